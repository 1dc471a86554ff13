"""Asks the log on threads of their own: who asks does not wait for a broker."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol, TypeVar

from understudy.core.log.errors import LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Ask(Protocol):
    """Begins to find an answer; returns at once."""

    def __call__(self, question: Callable[[], T], /) -> Future[T]: ...


def on_a_thread(question: Callable[[], T]) -> Future[T]:
    """Implements `Ask`: each question has a thread, so that one without an answer delays no other.

    LogUnavailable is raised by the answer where no thread can be started.
    """
    answer: Future[T] = Future()

    def find() -> None:
        try:
            found = question()
        except Exception as error:  # noqa: BLE001 - raised where the answer is taken
            answer.set_exception(error)
        else:
            answer.set_result(found)

    try:
        # A pool's threads would be waited for when the process ends; it is to end whatever the broker does.
        threading.Thread(target=find, name="asking", daemon=True).start()
    except RuntimeError as error:
        answer.set_exception(LogUnavailable(f"No thread can be started to ask the log: {error}."))
    return answer
