"""What a version still owes whose lanes are gone: what routes say it was sent, less what it has rows for. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from understudy.core.batches.records import Columns
from understudy.core.frames import FrameHeader, frame_of
from understudy.models.outputs import Failure
from workers.answering import Outcomes
from workers.events import Details
from workers.lanes import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from understudy.deployments.plan import Role


@dataclass(frozen=True, slots=True)
class Debt:
    """Records of one frame that have no row. header: of a frame of these records alone. routed_ms: when, by its row."""

    role: Role
    header: FrameHeader
    routed_ms: int


@dataclass(slots=True)
class Account:
    """What one version was sent, and what it has rows for, from the rows of routes and of both predictions topics.

    Each is complete when its topic was read to the end; the order of reading does not matter.
    """

    version: str
    _sent: list[Debt] = field(default_factory=list)
    _told: defaultdict[tuple[Role, int], set[int]] = field(default_factory=lambda: defaultdict(set))

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
        """Take in a row of predictions or shadow-predictions."""
        if row["routed_version"] == self.version:
            offsets = range(row["source_offset"], row["source_offset"] + row["span"])
            self._told[row["lane"], row["source_partition"]].update(offsets)

    def debts(self) -> list[Debt]:
        """What is owed, by partition, in the order in which it was routed."""
        left = [Debt(each.role, rest, each.routed_ms) for each in self._sent if (rest := self._rest(each))]
        return sorted(left, key=lambda debt: (debt.header.source_partition, debt.header.base_offset))

    def _rest(self, sent: Debt) -> FrameHeader | None:
        header = sent.header
        told = self._told.get((sent.role, header.source_partition), frozenset[int]())
        rest = [offset for offset in header.offsets() if offset not in told]
        if not rest:
            return None
        return frame_of(
            rest, revision=header.revision, source_partition=header.source_partition, share_ppm=header.share_ppm
        )


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
