"""Finds records of the input by their offsets."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Self

from understudy.app.reclaiming.debts import nothing
from understudy.core.log.errors import LogUnavailable
from workers.lanes import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.core.batches import Batch
    from understudy.core.batches.records import Columns
    from understudy.core.log.contract import Log, TopicPartition

POLL_S: Final = 0.2
PATIENCE_S: Final = 30.0


class InputRecords:
    """Records of one input partition, read once from front to back. A context manager.

    first: the lowest offset that will be asked for. tick: called every now and then while it reads. Not for use by
    more than one thread.
    """

    def __init__(
        self,
        log: Log,
        at: TopicPartition,
        first: int,
        tick: Callable[[], None] = nothing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        with log.admin() as admin:
            start, self._end = admin.start_offsets([at])[at], admin.end_offsets([at])[at]
        self._at: Final = at
        self._tick: Final = tick
        self._clock: Final = clock
        self._reader: Final = log.reader({at: min(max(first, start), self._end)})
        self._batches: list[Batch] = []

    def find(self, offsets: Sequence[int]) -> dict[int, Columns]:
        """Those of the records that are still there, by offset, each as columns of one.

        offsets: ascending, none below what was asked for before. Raises LogUnavailable; PositionExpired where
        retention has overtaken the reading.
        """
        self._read(offsets[0], min(offsets[-1] + 1, self._end))
        wanted, found = frozenset(offsets), {}
        for batch in self._batches:
            columns = readable(batch)[0].columns
            for index, offset in enumerate(columns.offsets):
                if offset in wanted:
                    found[offset] = columns.between(index, index + 1)
        self._batches = [batch for batch in self._batches if batch.next_offset > offsets[-1]]
        return found

    def _read(self, first: int, end: int) -> None:
        """Read on up to `end`; what lies before `first` is not kept."""
        deadline_s = self._clock() + PATIENCE_S
        while (position := self._reader.position(self._at)) < end:
            self._tick()
            polled = self._reader.poll(POLL_S).get(self._at, ())
            self._batches += [batch for batch in polled if batch.next_offset > first]
            if self._reader.position(self._at) != position:
                deadline_s = self._clock() + PATIENCE_S
            elif self._clock() > deadline_s:
                raise LogUnavailable(
                    f"{self._at} could not be read behind offset {position} for {PATIENCE_S:g} s: a transaction is "
                    "open there, or no broker answers."
                )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
