"""Settles what a withdrawn version owes whose lanes are gone, from routes, predictions and the input.

Any number of reclaimers may be at it at once, and each may die anywhere: a transactional id that belongs to the group
makes it exactly once. Who takes it fences whoever had it, and whoever is still a member of the group, and then reads
predictions to the end: what is missing there nobody else can write any more.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.reclaiming.debts import evict_all, nothing, read_debts
from understudy.app.reclaiming.records import InputRecords
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import Fenced
from workers.settling import settlements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schemas.encodings import RowDecoder
    from understudy.app.roles.running import Stop
    from understudy.core.batches.records import Columns
    from understudy.core.log.contract import Log, Writer
    from understudy.core.topics import EndpointTopics
    from workers.answering import Answering
    from workers.owed import Debt
    from workers.sending import Sending

LOOK_AGAIN_S: Final = 3.0
"""Longer than one transaction of another reclaimer takes, so that a living one is seen to make progress."""


@dataclass(frozen=True, slots=True)
class LostLanes:
    """One version's debts.

    predictions: decodes rows of both predictions topics. sending: makes one for each transaction, whose rows name
    the version that answers. tick: called every now and then while there is work.
    """

    log: Log
    names: EndpointTopics
    version: str
    predictions: RowDecoder
    answering: Answering
    sending: Callable[[], Sending]
    look_again_s: float = LOOK_AGAIN_S
    tick: Callable[[], None] = nothing

    @property
    def writer_id(self) -> str:
        """The transactional id of whoever settles."""
        return f"{self.names.worker_group(self.version)}.reclaim"

    def debts(self) -> list[Debt]:
        """What is owed by all that is readable now. Raises what `read_debts` does."""
        return read_debts(self.log, self.names, self.version, self.predictions, self.tick)

    def settle(self, stop: Stop) -> bool:
        """Settle everything; False when told to stop before. Raises what `read_debts` does.

        A reclaimer that was fenced leaves the work to the one that fenced it as long as that makes progress.
        """
        owed = _count(self.debts())
        while owed and not stop.is_set():
            try:
                with self.log.writer(self.writer_id) as writer:
                    self._settle(writer, stop)
            except Fenced:
                owed = self._left_by_another(stop)
            else:
                owed = _count(self.debts())
        return not owed

    def _settle(self, writer: Writer, stop: Stop) -> None:
        """As far as it goes: to the end, to a transaction whose outcome is not known, or to a stop."""
        if not writer.take():
            return
        with self.log.admin() as admin:
            # One lane may be left: whoever joined before the other one went may have records of it in hand.
            evict_all(admin, self.names, self.version)
        debts = self.debts()
        with ExitStack() as opened:
            for outputs in settlements(debts, self._finder(debts, opened), self.answering, self.sending):
                self.tick()
                if stop.is_set() or not writer.commit(outputs):
                    return

    def _finder(self, debts: Sequence[Debt], opened: ExitStack) -> Callable[[Debt], Mapping[int, Columns]]:
        """Finds a debt's records, each partition being read once."""
        lowest: dict[int, int] = {}
        for debt in debts:
            if debt.role == "answering":
                lowest.setdefault(debt.header.source_partition, debt.header.base_offset)
        inputs: dict[int, InputRecords] = {}

        def find(debt: Debt) -> Mapping[int, Columns]:
            self.tick()
            partition = debt.header.source_partition
            if partition not in inputs:
                at = TopicPartition(self.names.input, partition)
                inputs[partition] = opened.enter_context(InputRecords(self.log, at, lowest[partition], self.tick))
            return inputs[partition].find(debt.header.offsets())

        return find

    def _left_by_another(self, stop: Stop) -> int:
        """What is owed once another reclaimer has finished, or makes no progress any more."""
        owed = _count(self.debts())
        while owed and not stop.wait(self.look_again_s):
            before, owed = owed, _count(self.debts())
            if owed == before:
                break
        return owed


def _count(debts: Sequence[Debt]) -> int:
    return sum(debt.header.count for debt in debts)
