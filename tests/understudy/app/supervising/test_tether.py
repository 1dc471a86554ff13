from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from support.endpoint import until

from understudy.app.supervising.launching import HUNG
from understudy.app.supervising.tether import end_hung, end_with

HANGING = """
from understudy.app.roles.probes import Health
from understudy.app.supervising.tether import end_hung, exit_hung
from understudy.core.telemetry import configure_logging

configure_logging("json")
end_hung(Health(stale_s=0.1).unhealthy, exit_hung, look_s=0.1)
while True:
    pass
"""


def test_the_end_of_the_pipe_stops_and_in_time_kills() -> None:
    reading, writing = os.pipe()
    stop, killed = threading.Event(), threading.Event()
    end_with(reading, stop, killed.set, grace_s=0.05)
    os.write(writing, b"whatever")
    assert not stop.wait(0.1)

    os.close(writing)

    assert stop.wait(10)
    assert killed.wait(10)
    os.close(reading)


def test_a_process_whose_loop_hangs_says_so_and_ends_itself() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == HUNG
    assert "hangs, and ends itself" in ended.stderr
    assert "the loop has not come round for" in ended.stderr


@pytest.mark.parametrize("unhealthy", [[""], ["late", ""]])
def test_a_process_that_comes_round_again_goes_on(unhealthy: list[str]) -> None:
    """As after a suspension."""
    looks, ended = list[str](), threading.Event()

    def look() -> str:
        looks.append(unhealthy[len(looks) % len(unhealthy)])
        return looks[-1]

    end_hung(look, lambda _: ended.set(), look_s=0.01)

    until(lambda: len(looks) > 10, 20, "some looks")
    assert not ended.is_set()
