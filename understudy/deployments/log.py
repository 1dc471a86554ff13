"""The deployments log: reads its history, and appends events of which the writer knows whether they took effect."""

from __future__ import annotations

import contextlib
import logging
import random
import time
import uuid
from typing import TYPE_CHECKING, Final

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import Fenced, LogUnavailable, OutputUnavailable
from understudy.core.outgoing import outputs
from understudy.deployments.errors import Refused
from understudy.deployments.events import encode
from understudy.deployments.proposals import legal
from understudy.deployments.reading import PATIENCE_S, DeploymentsReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Log
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.events import Draft, Event
    from understudy.deployments.fold import State
    from understudy.deployments.reading import History

log = logging.getLogger(__name__)

STALL_S: Final = 0.5
"""A writer that lives has ended its transaction by then."""
FIRST_PAUSE_S: Final = 0.01
LONGEST_PAUSE_S: Final = 0.5


class DeploymentsLog:
    """An endpoint's events, for those who change releases.

    actor: who appends, for people: a user and host, or a role and its slot. Any number of writers may append at once:
    of events that are written for one state, one takes effect. Not for use by more than one thread.
    """

    def __init__(
        self,
        log: Log,
        names: EndpointTopics,
        actor: str,
        *,
        patience_s: float = PATIENCE_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._log = log
        self._at = TopicPartition(names.deployments, 0)
        self._writer_id = names.deployments_writer
        self._actor = actor
        self._patience_s = patience_s
        self._pause = pause

    def read(self) -> History:
        """All events that are there now, and the state after them. Raises UnknownTopic, LogUnavailable."""
        with DeploymentsReader(self._log, self._at.topic) as reader:
            reader.catch_up(self._patience_s)
            return reader.history

    def append(self, propose: Callable[[State], Draft | None]) -> Event | None:
        """Append what is proposed for the latest state, and again for a later one, until it takes effect.

        propose: gives None where nothing is to be done, and then None is returned; it may raise Refused. Else the
        event that took effect is returned. Raises Refused; UnknownTopic; LogUnavailable when the log does not answer,
        whose text says whether the outcome is known.
        """
        with DeploymentsReader(self._log, self._at.topic) as reader:
            state = self._latest(reader)
            while (draft := propose(_open(state))) is not None:
                event = legal(state, draft).signed(
                    str(uuid.uuid4()), state.sequence + 1, round(time.time() * 1000), self._actor
                )
                state = self._settle(reader, event)
                if reader.history.took_effect(event.id):
                    return event
        return None

    def _latest(self, reader: DeploymentsReader) -> State:
        """The state now. What a writer left open that died is ended, by taking its transactional id."""
        try:
            return reader.catch_up(STALL_S)
        except LogUnavailable:
            self._take_over()
            return reader.catch_up(self._patience_s)

    def _take_over(self) -> None:
        with self._log.writer(self._writer_id) as writer, contextlib.suppress(Fenced):
            writer.take()

    def _settle(self, reader: DeploymentsReader, event: Event) -> State:
        """Write the event until some event has taken effect in its place: it, or another.

        An attempt whose outcome is not known is made again as it was. Only one of its copies can take effect; and
        where another event came first, none of them ever will.
        """
        deadline_s, pause_s = time.monotonic() + self._patience_s, FIRST_PAUSE_S
        while True:
            try:
                certain = self._write(event)
                state = self._latest(reader)
            except LogUnavailable as error:
                certain, state = False, reader.history.state
                log.debug("An event could not be appended: %s", error)
            if state.sequence >= event.sequence or state.frozen:
                return state
            if time.monotonic() > deadline_s:
                raise LogUnavailable(
                    f"The log did not answer for {self._patience_s:g} s, so it is not known whether the event "
                    f"{event.id} ({event.kind} {event.version or ''}) took effect: look at `understudy history` once "
                    "a broker answers, and try again if it is not there."
                )
            if not certain:
                self._pause(random.uniform(0, pause_s))  # noqa: S311 - so that two writers do not stay in step
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _write(self, event: Event) -> bool:
        """One transaction; False: its outcome is not known, often because another writer came between."""
        with self._log.writer(self._writer_id) as writer:
            try:
                return writer.commit(outputs(self._at, [None], [encode(event)], [event.time_ms]))
            except (Fenced, OutputUnavailable) as error:
                log.debug("An event was not appended: %s", error)
                return False


def _open(state: State) -> State:
    if state.frozen:
        raise Refused(f"nothing can be changed from here: {state.frozen}")
    return state
