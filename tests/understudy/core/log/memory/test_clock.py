from __future__ import annotations

import threading
import time

from understudy.core.log.memory import SystemClock, VirtualClock


def test_the_system_clock_tells_the_time_of_day() -> None:
    assert abs(SystemClock().now_s() - time.time()) < 1.0


def test_the_system_clock_waits_until_it_is_notified() -> None:
    condition, clock = threading.Condition(), SystemClock()
    woken_after_s: list[float] = []

    def sleep() -> None:
        with condition:
            began_s = time.monotonic()
            ready.set()
            clock.wait(condition, 60.0)
            woken_after_s.append(time.monotonic() - began_s)

    ready = threading.Event()
    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    ready.wait(10.0)
    with condition:
        condition.notify_all()
    sleeper.join(30.0)

    assert woken_after_s
    assert woken_after_s[0] < 30.0


def test_the_system_clock_waits_no_longer_than_it_was_told() -> None:
    condition, clock = threading.Condition(), SystemClock()
    began_s = clock.now_s()

    with condition:
        clock.wait(condition, 0.02)

    assert clock.now_s() - began_s >= 0.02


def test_virtual_time_passes_only_when_it_is_told_to() -> None:
    clock = VirtualClock(100.0)
    assert clock.now_s() == clock.now_s() == 100.0

    clock.advance(2.5)

    assert clock.now_s() == 102.5


def test_virtual_time_never_goes_back() -> None:
    clock = VirtualClock(100.0)

    clock.advance(-1.0)

    assert clock.now_s() == 100.0


def test_waiting_for_virtual_time_takes_none() -> None:
    clock, condition = VirtualClock(100.0), threading.Condition()

    with condition:
        clock.wait(condition, 3_600.0)

    assert clock.now_s() == 3_700.0
