from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.fleet import CANDIDATE, Fleet, fleet
from support.small_endpoint import PRODUCTION

from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from understudy.core.log.contract import Log


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def log(request: pytest.FixtureRequest) -> Log:
    if request.param == "memory":
        return MemoryLog()
    return KafkaLog(request.getfixturevalue("kafka_bootstrap"))


@pytest.fixture
def endpoint(log: Log, tmp_path: Path) -> Iterator[Fleet]:
    """Half of the keys are a canary's, and a router runs."""
    with fleet(log, tmp_path) as made:
        made.deploy(PRODUCTION)
        made.deploy(CANDIDATE, "canary", share_ppm=500_000)
        made.router()
        yield made
