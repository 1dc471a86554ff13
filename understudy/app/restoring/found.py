"""Positions that were lost, and those that were found in their place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.restoring.errors import CannotRestore
from understudy.core.log.reading import partitions_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from understudy.core.log.contract import Admin, Position, TopicPartition


@dataclass(frozen=True, slots=True)
class Found:
    """Where a partition goes on. source: how that is known. lost: records that nobody will have worked on; else ""."""

    at: TopicPartition
    position: Position
    source: str
    lost: str = ""

    def as_json(self) -> dict[str, object]:
        """All of it, for programs."""
        return {
            "topic": self.at.topic,
            "partition": self.at.partition,
            "offset": self.position.offset,
            "note": self.position.note,
            "source": self.source,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True)
class Gap:
    """A partition without a usable position: none is there, or it lies outside what the topic still holds."""

    at: TopicPartition
    known: Position | None
    first: int
    end: int


def gaps(admin: Admin, group: str, topics: Collection[str]) -> list[Gap]:
    """The partitions whose positions are lost. Raises CannotRestore while the group lives; UnknownTopic."""
    if members := admin.members(group):
        raise CannotRestore(
            f"The group {group} has live members ({', '.join(sorted(each.slot for each in members))}), which own its "
            "positions: stop them first."
        )
    partitions, known = partitions_of(admin, topics), admin.positions(group)
    first, end = admin.start_offsets(partitions), admin.end_offsets(partitions)
    return [
        Gap(at, known.get(at), first[at], end[at])
        for at in partitions
        if at not in known or not first[at] <= known[at].offset <= end[at]
    ]


def restore(admin: Admin, group: str, found: Sequence[Found], *, skip_lost: bool) -> None:
    """Set what was found. Raises CannotRestore where records are lost and nobody said that they may be; GroupIsLive."""
    lost = [f"{each.at}: {each.lost}" for each in found if each.lost]
    if lost and not skip_lost:
        raise CannotRestore(
            f"Records were never worked on, or may not have been ({'; '.join(lost)}). To go on without them, say "
            "--skip-lost."
        )
    positions: Mapping[TopicPartition, Position] = {each.at: each.position for each in found}
    if positions:
        admin.set_positions(group, positions)
