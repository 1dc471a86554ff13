"""Follows the deployments log, so that a role always has the latest state at hand."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from understudy.core.log.errors import CorruptBatch, LogError, PositionExpired, TopicRecreated
from understudy.deployments.fold import State
from understudy.deployments.reading import PATIENCE_S, DeploymentsReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Log
    from understudy.core.topics import EndpointTopics

log = logging.getLogger(__name__)

POLL_S: Final = 0.2
RETRY_S: Final = 0.5
LASTING: Final = (TopicRecreated, PositionExpired, CorruptBatch)
"""Errors that waiting does not cure: the history is not what it was."""


class Follower:
    """The latest state of an endpoint's releases.

    As a context manager it has read to the end when it is entered (which raises UnknownTopic and LogUnavailable), and
    a thread keeps it current from then on; `state` and `wait` are for any thread. A broker that cannot be reached is
    tried again for ever, and the last state stays. Without being entered it is for one thread, which calls `poll`.
    """

    def __init__(self, log: Log, names: EndpointTopics, *, patience_s: float = PATIENCE_S) -> None:
        self._log = log
        self._topic = names.deployments
        self._patience_s = patience_s
        self._state = State()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._reader: DeploymentsReader | None = None
        self._thread: threading.Thread | None = None

    def state(self) -> State:
        """What is known to hold now. Raises LogError where the thread that follows has ended."""
        if self._thread is not None and not self._thread.is_alive() and not self._state.frozen:
            # Not an outage, which would be waited out: nothing here brings the thread back.
            raise LogError(f"Nobody follows {self._topic} any more: see the error above, and restart.")
        return self._state

    def wait(self, sequence: int, timeout_s: float) -> bool:
        """Wait until the state has come to this sequence. False when it has not in time."""
        return self.wait_for(lambda state: state.sequence >= sequence, timeout_s)

    def wait_for(self, condition: Callable[[State], bool], timeout_s: float) -> bool:
        """Wait until the condition holds of the state. False when it does not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self._state), timeout_s)

    def poll(self, timeout_s: float = 0.0) -> State:
        """Wait up to `timeout_s` for further events, the first time until all that is there is read.

        Raises UnknownTopic, LogUnavailable, and what does not pass: TopicRecreated, PositionExpired, CorruptBatch.
        """
        if self._reader is None:
            self._reader = self._begun()
        self._publish(self._reader.poll(timeout_s))
        return self._state

    def _begun(self) -> DeploymentsReader:
        reader = DeploymentsReader(self._log, self._topic)
        try:
            reader.catch_up(self._patience_s)
        except BaseException:
            reader.close()
            raise
        return reader

    def close(self) -> None:
        """Stop following; the state stays as it is."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def __enter__(self) -> Self:
        self.poll()
        self._thread = threading.Thread(target=self._follow, name=f"follower of {self._topic}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self.poll(POLL_S)
            except LASTING as error:
                self._publish(replace(self._state, frozen=f"the history cannot be read any more: {error}"))
                return
            except LogError as error:
                log.debug("deployments cannot be read now: %s", error)
                self._stop.wait(RETRY_S)

    def _publish(self, state: State) -> None:
        if state is self._state:
            return
        with self._changed:
            self._state = state
            self._changed.notify_all()
