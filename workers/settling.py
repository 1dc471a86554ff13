"""Answers debts: the transactions that settle what a version owes whose lanes are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workers.lanes import Part
from workers.owed import expired, pieces, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from understudy.core.batches.records import Columns
    from understudy.core.log.contract import Output
    from workers.answering import Answering, Outcomes
    from workers.owed import Debt
    from workers.sending import Sending

RECORDS: Final = 1_000
"""Of one micro-batch, and about of one transaction."""


def settlements(
    debts: Sequence[Debt],
    find: Callable[[Debt], Mapping[int, Columns]],
    answering: Answering,
    sending: Callable[[], Sending],
    *,
    records: int = RECORDS,
) -> Iterator[list[Output]]:
    """Transactions that together settle the debts, each to be committed before the next is asked for.

    Records of an answering lane are answered, or fail as expired where the input has lost them; a shadow lane's are
    said to be withdrawn. find: the records of a debt that the input still has, by offset, each as columns of one;
    called in the debts' order. Raises SchemaUnavailable.
    """
    gathered, waiting = sending(), 0
    for debt in debts:
        for settled in _settled(debt, find, answering, records):
            if isinstance(settled, Part):
                gathered.withdraw(settled)
                waiting += len(settled.columns)
            else:
                gathered.add(settled)
                waiting += len(settled.results)
            if waiting >= records:
                yield gathered.outputs()
                gathered, waiting = sending(), 0
    if waiting:
        yield gathered.outputs()


def _settled(
    debt: Debt, find: Callable[[Debt], Mapping[int, Columns]], answering: Answering, records: int
) -> Iterator[Outcomes | Part]:
    """What becomes of a debt's records, micro-batch by micro-batch; a part is of records that nobody answers."""
    if debt.role == "shadow":
        yield stand_in(debt, debt.header.offsets())
        return
    found = find(debt)
    for piece in pieces(debt, found, records):
        yield from answering.answer([piece], suspect=True)
    lost = expired(debt, found)
    if lost is not None:
        yield lost
