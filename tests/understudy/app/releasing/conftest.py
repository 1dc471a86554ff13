from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.releasing import World
from support.small_endpoint import endpoint_settings, register_models

from understudy.app.provision import provision
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An endpoint with topics and two registered versions, of which nothing was released yet."""
    settings, log = endpoint_settings(tmp_path), MemoryLog()
    register_models(settings)
    with log.admin() as admin:
        provision(admin, settings)
    return World(log, settings)
