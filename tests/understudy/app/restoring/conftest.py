from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.releasing import release
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, register_models
from support.stopped import Stopped

from understudy.app.provision import provision
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 300


@pytest.fixture
def endpoint(tmp_path: Path) -> Stopped:
    """One version in production and one beside it, and events that nobody has routed yet."""
    settings, log = endpoint_settings(tmp_path), MemoryLog()
    register_models(settings)
    with log.admin() as admin:
        provision(admin, settings)
    release(log, settings, PRODUCTION, SHADOW)
    endpoint = Stopped(log, settings)
    endpoint.produce(0, EVENTS)
    return endpoint


@pytest.fixture
def every_event() -> list[str]:
    return sorted(f"event-{number}" for number in range(EVENTS))
