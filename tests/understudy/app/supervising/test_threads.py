from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.endpoint import until

from understudy.app.supervising.launching import FENCED, Launch
from understudy.app.supervising.threads import ThreadLauncher
from understudy.core.log.errors import Fenced, UnknownTopic

if TYPE_CHECKING:
    import threading

    from understudy.app.roles.probes import Health

LAUNCH = Launch("flights:v1", "production", "pod-0")


def test_a_thread_works_until_it_is_told_to_end() -> None:
    launches: list[Launch] = []

    def work(launch: Launch, stop: threading.Event, health: Health) -> None:
        launches.append(launch)
        health.ready()
        stop.wait(60)

    handle = ThreadLauncher(work).launch(LAUNCH)
    until(handle.is_ready, 10, "the worker to be ready")
    assert handle.exit_code() is None

    handle.terminate()

    until(lambda: handle.exit_code() == 0, 10, "the end")
    assert launches == [LAUNCH]


@pytest.mark.parametrize(("error", "code"), [(Fenced("taken"), FENCED), (UnknownTopic("gone"), 1), (KeyError("x"), 1)])
def test_an_error_is_a_death(error: Exception, code: int) -> None:
    def work(launch: Launch, stop: threading.Event, health: Health) -> None:
        del launch, stop, health
        raise error

    handle = ThreadLauncher(work).launch(LAUNCH)

    until(lambda: handle.exit_code() == code, 10, "the death")
    assert not handle.is_ready()
