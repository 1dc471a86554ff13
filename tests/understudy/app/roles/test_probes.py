from __future__ import annotations

import socket

import pytest

from understudy.app.roles.probes import Health, ask, serving
from understudy.core.settings import SettingsError


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


def test_a_role_is_healthy_as_long_as_its_loop_comes_round(port: int) -> None:
    clock = Clock()
    health = Health(stale_s=10, clock=clock)

    with serving(health, "127.0.0.1", port):
        assert ask(port) == (True, "ok")
        clock.now_s = 11
        assert ask(port) == (False, "the loop has not come round for 11 s")
        assert ask(port, ready=True) == (False, "the loop has not come round for 11 s")
        health.tick()
        assert ask(port) == (True, "ok")


def test_what_takes_as_long_as_it_takes_is_no_reason_to_start_anew() -> None:
    clock = Clock()
    health = Health(stale_s=10, clock=clock)

    with health.unhurried():
        clock.now_s = 1_000
        assert health.unhealthy() == ""

    assert health.unhealthy() == ""
    clock.now_s = 1_011
    assert health.unhealthy() == "the loop has not come round for 11 s"


def test_a_role_is_ready_once_it_says_so_and_until_it_takes_that_back(port: int) -> None:
    health = Health()

    with serving(health, "127.0.0.1", port):
        assert ask(port, ready=True) == (False, "it is starting")
        health.ready()
        assert ask(port, ready=True) == (True, "ok")
        health.wait_for("no broker answers")
        assert ask(port, ready=True) == (False, "no broker answers")
        assert ask(port) == (True, "ok")


@pytest.mark.parametrize("off", [None, 0])
def test_without_a_port_nothing_listens(off: int | None) -> None:
    with serving(Health(), "127.0.0.1", off) as port:
        assert port == 0


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        with (
            pytest.raises(SettingsError, match=rf"\[health\] port: 127.0.0.1:{number} cannot be listened on"),
            serving(Health(), "127.0.0.1", number),
        ):
            pass


def test_nobody_there_is_no_answer(port: int) -> None:
    answered = ask(port)

    assert not answered.ok
    assert answered.text.startswith(f"nothing answers on port {port}")


def test_who_listens_is_told_of_each_change_once() -> None:
    told: list[bool] = []
    health = Health(changed=told.append)

    for _ in range(2):
        health.wait_for("no broker answers")
        health.wait_for("no partitions")
        health.ready()
        health.ready()

    assert told == [True, False, True]
