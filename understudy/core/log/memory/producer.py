"""Transactions of one transactional id, one at a time: what sessions and writers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from understudy.core.log.contract import no_probe
from understudy.core.log.errors import Fenced, OutputRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.log.contract import Output, Phase, Position, TopicPartition
    from understudy.core.log.memory.cluster import Cluster
    from understudy.core.log.memory.faults import Fate


class Moves(NamedTuple):
    """Positions to be moved, and the member and generation that may move them."""

    group: str
    slot: str
    member_id: int
    generation: int
    positions: Mapping[TopicPartition, Position]


class TransactionLostError(Exception):
    """The transaction did not commit, or nobody knows."""


class Producer:
    """Begins, fills and ends transactions, and answers whether they committed."""

    def __init__(
        self, cluster: Cluster, transactional_id: str, timeout_s: float, probe: Callable[[Phase], None] = no_probe
    ) -> None:
        self._cluster = cluster
        self._timeout_s = timeout_s
        self._probe = probe
        with cluster.turn() as now_s:
            self._identity = cluster.transactions.initialise(transactional_id, timeout_s, now_s)

    def commit(self, outputs: Sequence[Output], moves: Moves | None = None) -> bool:
        """Append the outputs and move the positions, all or nothing.

        False: nothing was committed, or the answer was lost. Raises Fenced, OutputRefused; ValueError for a batch that
        is not forwardable. An error of the probe leaves the transaction open, as a crash does.
        """
        fate = self._cluster.faults.fate()
        try:
            self._begin()
            self._append(outputs)
            self._move(moves, fate)
            self._end(fate)
        except TransactionLostError:
            self.abort()
            return False
        except (OutputRefused, ValueError):
            self.abort()
            raise
        return True

    def abort(self) -> None:
        """Abort what is open and go on under the next epoch. Raises Fenced."""
        with self._cluster.turn() as now_s:
            self._identity = self._cluster.transactions.initialise(
                self._identity.transactional_id, self._timeout_s, now_s, self._identity
            )

    def close(self) -> None:
        """Abort what is open, unless a newer instance has done so."""
        try:
            self.abort()
        except Fenced:
            return

    def _begin(self) -> None:
        with self._cluster.look():
            while not self._cluster.transactions.is_settled(self._identity):
                self._cluster.wait(self._cluster.clock.now_s() + self._timeout_s)
        self._probe("begun")

    def _append(self, outputs: Sequence[Output]) -> None:
        with self._cluster.turn() as now_s:
            for output in outputs:
                self._cluster.transactions.append(self._identity, output, now_s)
        self._probe("produced")

    def _move(self, moves: Moves | None, fate: Fate) -> None:
        if moves is not None:
            with self._cluster.turn() as now_s:
                group = self._cluster.groups.named(moves.group)
                if fate == "evicted":
                    group.remove(moves.slot)
                member = group.member(moves.slot, moves.member_id)
                if member is None or group.generation != moves.generation:
                    raise TransactionLostError
                self._cluster.transactions.move(self._identity, moves.group, moves.positions, now_s)
        self._probe("positioned")

    def _end(self, fate: Fate) -> None:
        if fate != "lost before":
            with self._cluster.turn() as now_s:
                self._identity = self._cluster.transactions.end(self._identity, now_s, commit=True)
        self._probe("ending")
        if fate in {"lost before", "lost after"}:
            raise TransactionLostError
        self._probe("ended")
