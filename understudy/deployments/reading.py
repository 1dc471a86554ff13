"""Reads the deployments topic, record by record, into the state that follows from it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.log.reading import partitions_of
from understudy.deployments.errors import NotAnEvent
from understudy.deployments.events import decode
from understudy.deployments.fold import State, apply, freeze

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Log
    from understudy.deployments.events import Event

POLL_S: Final = 0.2
PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the topic. event: None where it is none. refusal: why it had no effect; "" where it had."""

    offset: int
    event: Event | None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """All records in order, and the state after them."""

    state: State = field(default_factory=State)
    entries: tuple[Entry, ...] = ()

    def with_record(self, offset: int, value: bytes | None) -> History:
        """The history with one more record."""
        event: Event | None = None
        try:
            event = decode(value)
            applied = apply(self.state, event)
        except NotAnEvent as error:
            applied = freeze(self.state, f"the record at offset {offset} is no event ({error})")
        return History(applied.state, (*self.entries, Entry(offset, event, applied.refusal)))

    def took_effect(self, id_: str) -> Event | None:
        """The event with this id, if it is there and had an effect."""
        found = (each.event for each in self.entries if not each.refusal)
        return next((event for event in found if event is not None and event.id == id_), None)


class DeploymentsReader:
    """The history of an endpoint, as far as it was read. Not for use by more than one thread."""

    def __init__(self, log: Log, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin. Raises UnknownTopic, LogUnavailable."""
        self._log = log
        self._clock = clock
        with log.admin() as admin:
            (self._at, *more) = partitions_of(admin, [topic])
        if more:
            raise UnknownTopic(
                f"Topic {topic} has {len(more) + 1} partitions, so its records have no order, and cannot be the events "
                "of an endpoint: delete it, and create it with `understudy topics`."
            )
        self._reader = log.reader({self._at: 0})
        self.history = History()

    def catch_up(self, patience_s: float = PATIENCE_S) -> State:
        """Read all that is there at the call, and wait for a transaction that is open then.

        Raises LogUnavailable when nothing moves for `patience_s`; UnknownTopic, TopicRecreated, PositionExpired,
        CorruptBatch.
        """
        with self._log.admin() as admin:
            end = admin.end_offsets([self._at])[self._at]
        deadline_s = self._clock() + patience_s
        while (position := self._reader.position(self._at)) < end:
            self.poll(POLL_S)
            if self._reader.position(self._at) != position:
                deadline_s = self._clock() + patience_s
            elif self._clock() > deadline_s:
                raise LogUnavailable(
                    f"{self._at} could not be read behind offset {position} for {patience_s:g} s: a transaction is "
                    "open there, or no broker answers. Try again."
                )
        return self.history.state

    def poll(self, timeout_s: float) -> State:
        """Wait up to `timeout_s` for further events. Raises what `catch_up` raises, but not LogUnavailable."""
        for batches in self._reader.poll(timeout_s).values():
            for batch in batches:
                for offset, value in zip(batch.columns.offsets, batch.columns.values, strict=True):
                    self.history = self.history.with_record(offset, value)
        return self.history.state

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
