from __future__ import annotations

import threading

import pytest
from support.endpoint import until

from understudy.app.supervising.asking import on_a_thread
from understudy.core.log.errors import LogUnavailable, UnknownTopic

PATIENCE_S = 30.0


def test_who_asks_does_not_wait_and_one_question_does_not_delay_another() -> None:
    may_answer = threading.Event()
    slow = on_a_thread(lambda: may_answer.wait(PATIENCE_S))

    assert on_a_thread(lambda: 42).result(PATIENCE_S) == 42
    assert not slow.done()

    may_answer.set()
    until(slow.done, PATIENCE_S, "the answer")
    assert slow.result()


def test_what_a_question_raises_is_raised_where_the_answer_is_taken() -> None:
    def fail() -> None:
        raise UnknownTopic("it is gone")

    with pytest.raises(UnknownTopic, match="it is gone"):
        on_a_thread(fail).result(PATIENCE_S)


def test_a_machine_without_threads_gives_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)

    with pytest.raises(LogUnavailable, match="can't start new thread"):
        on_a_thread(lambda: 42).result(PATIENCE_S)
