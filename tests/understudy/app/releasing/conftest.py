from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from support.releasing import World
from support.small_endpoint import PRODUCTION, endpoint_settings, register_models

from understudy.app.provision import provision
from understudy.app.releasing.orders import Order
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An endpoint with topics and two registered versions, of which nothing was released yet."""
    settings, log = endpoint_settings(tmp_path), MemoryLog()
    register_models(settings)
    with log.admin() as admin:
        provision(admin, settings)
    return World(log, settings)


@pytest.fixture
def in_production(world: World) -> World:
    """The first version answers, and a router has adopted that."""
    world.releases().deploy(Order(PRODUCTION, "basic"), wait=False)
    world.adopt()
    return world


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
