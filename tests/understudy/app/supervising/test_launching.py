from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.supervising.launching import NOT_LAUNCHED, launched
from understudy.core.telemetry import logger

if TYPE_CHECKING:
    from understudy.app.supervising.launching import Handle


@pytest.mark.parametrize(
    "refusal",
    [BlockingIOError(11, "Resource temporarily unavailable"), MemoryError(), RuntimeError("can't start new thread")],
)
def test_what_the_system_refuses_to_launch_has_ended(refusal: Exception) -> None:
    def launch() -> Handle:
        raise refusal

    handle = launched(launch, logger("understudy"))

    assert handle.exit_code() == NOT_LAUNCHED
    assert not handle.is_ready()
