"""What a version still owes whose lanes are gone: what routes say it was sent, less what it has rows for. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from understudy.core.batches.records import Columns
from understudy.core.frames import FrameHeader, frame_of
from understudy.models.outputs import Failure
from workers.answering import Outcomes
from workers.events import Details
from workers.lanes import Part

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from understudy.deployments.plan import Role


RolePartition: TypeAlias = "tuple[Role, int]"
"""Role, and partition of the input."""

BLOCK: Final = 4_096
"""Offsets that one integer's bits stand for."""


@dataclass(frozen=True, slots=True)
class Debt:
    """Records of one frame that have no row. header: of a frame of these records alone. routed_ms: when, by its row."""

    role: Role
    header: FrameHeader
    routed_ms: int


@dataclass(slots=True)
class Account:
    """What one version was sent, and what it has rows for, from the rows of routes and of both predictions topics.

    Each is complete when its topic was read to the end; the order of reading does not matter. What has a row takes
    about one bit of each source offset.
    """

    version: str
    _sent: list[Debt] = field(default_factory=list)
    _told: defaultdict[tuple[Role, int, int], int] = field(default_factory=lambda: defaultdict(int))
    _first: dict[RolePartition, int] = field(default_factory=dict)
    _first_of_others: dict[RolePartition, int] = field(default_factory=dict)

    def routed(self, row: Mapping[str, Any], routed_ms: int) -> None:
        """Take in a row of routes; those of other versions, and those that sent nothing, change nothing."""
        if row["kind"] == "frame" and row["version"] == self.version:
            header = FrameHeader(
                row["revision"],
                row["source_partition"],
                row["base_offset"],
                row["span"],
                row["count"],
                row["share_ppm"],
                row["bitmap"],
            )
            self._sent.append(Debt(row["role"], header, routed_ms))

    def answered(self, row: Mapping[str, Any]) -> None:
        """Take in a row of predictions or shadow-predictions, of any version."""
        lane, offset = (row["lane"], row["source_partition"]), row["source_offset"]
        is_own = row["routed_version"] == self.version
        first = self._first if is_own else self._first_of_others
        first[lane] = min(offset, first.get(lane, offset))
        if is_own:
            self._tell(lane, offset, offset + row["span"])

    def _tell(self, lane: RolePartition, first: int, end: int) -> None:
        while first < end:
            block, shift = divmod(first, BLOCK)
            count = min(end - first, BLOCK - shift)
            self._told[*lane, block] |= ((1 << count) - 1) << shift
            first += count

    def debts(self, cut: Collection[RolePartition] = ()) -> list[Debt]:
        """What is owed, by partition, in the order in which it was routed.

        cut: the lanes whose rows are not kept back to the beginning, so that a record without a row may have had one,
        for routes may be kept longer. A version's rows are written in the order of its lane: whatever lies before the
        first of its own that is left is taken to have had one. Where none of its own is left, that is what lies
        before the first record that a row of any version in the partition tells of; and everything where none is left.
        So a record that was owed for longer than rows are kept is given up; and where a version had answered records
        ahead of all others, and only rows of others are left, these records, and no more, are owed again.
        """
        given_up = {lane: self._first.get(lane, self._first_of_others.get(lane, math.inf)) for lane in cut}
        left = [Debt(each.role, rest, each.routed_ms) for each in self._sent if (rest := self._rest(each, given_up))]
        return sorted(left, key=lambda debt: (debt.header.source_partition, debt.header.base_offset))

    def _rest(self, sent: Debt, given_up: Mapping[RolePartition, float]) -> FrameHeader | None:
        header = sent.header
        lane = sent.role, header.source_partition
        first = given_up.get(lane, 0)
        rest = [offset for offset in header.offsets() if offset >= first and not self._is_told(lane, offset)]
        if not rest:
            return None
        return frame_of(
            rest, revision=header.revision, source_partition=header.source_partition, share_ppm=header.share_ppm
        )

    def _is_told(self, lane: RolePartition, offset: int) -> bool:
        block, shift = divmod(offset, BLOCK)
        return bool(self._told.get((*lane, block), 0) >> shift & 1)


EXPIRED: Final = Failure("expired", "retention had removed the record from the input before its lane was reclaimed")


def pieces(debt: Debt, found: Mapping[int, Columns], limit: int) -> Iterator[Part]:
    """The debt's records that the input still has, in parts of at most `limit`. found: one record by its offset."""
    there = [offset for offset in debt.header.offsets() if offset in found]
    for begin in range(0, len(there), limit):
        offsets = there[begin : begin + limit]
        yield Part(debt.role, debt.header, offsets, joined([found[offset] for offset in offsets]))


def expired(debt: Debt, found: Mapping[int, Columns]) -> Outcomes | None:
    """Failures of the debt's records that the input does not have any more; None where it has all."""
    gone = [offset for offset in debt.header.offsets() if offset not in found]
    if not gone:
        return None
    count = len(gone)
    details = Details([debt.routed_ms] * count, [None] * count, [{}] * count)
    return Outcomes(stand_in(debt, gone), [EXPIRED] * count, details, 0)


def stand_in(debt: Debt, offsets: Sequence[int]) -> Part:
    """A part of these source offsets whose records nobody has read."""
    nothing: list[bytes | None] = [None] * len(offsets)
    columns = Columns(offsets, [debt.routed_ms] * len(offsets), nothing, nothing, [()] * len(offsets))
    return Part(debt.role, debt.header, offsets, columns)


def joined(columns: Iterable[Columns]) -> Columns:
    """The records of several columns, as one."""
    every = list(columns)
    return Columns(
        [offset for each in every for offset in each.offsets],
        [time_ms for each in every for time_ms in each.timestamps_ms],
        [key for each in every for key in each.keys],
        [value for each in every for value in each.values],
        [headers for each in every for headers in each.headers],
    )
