"""How far a session is in its partitions: what was handed out, what was committed, and where that is in the log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy.core.log.contract import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import TopicPartition


@dataclass(slots=True)
class Progress:
    """The partitions that a session reads.

    What is behind the last visible record, transactions' markers and aborted records, is deleted by retention like
    everything else. A position that stays before it would then be one whose records are gone, although all were done.
    So a position behind all that was handed out is stored behind what follows and is not visible.

    next: where each partition goes on, by what was handed out. committed: as whoever commits named it. stored: the
    offset that it has in the log.
    """

    next: dict[TopicPartition, int] = field(default_factory=dict)
    committed: dict[TopicPartition, Position] = field(default_factory=dict)
    stored: dict[TopicPartition, int] = field(default_factory=dict)

    def begin(self, found: Mapping[TopicPartition, Position]) -> None:
        """Go on from these positions."""
        offsets = {at: position.offset for at, position in found.items()}
        self.next.update(offsets)
        self.stored.update(offsets)
        self.committed.update(found)

    def forget(self, at: TopicPartition) -> None:
        """The partition is somebody else's."""
        for known in (self.next, self.committed, self.stored):
            known.pop(at, None)

    def hand_out(self, batches: Mapping[TopicPartition, Sequence[Batch]]) -> None:
        """These batches are handed out."""
        self.next.update({at: found[-1].next_offset for at, found in batches.items()})

    def polled(self) -> dict[TopicPartition, Position]:
        """All that was handed out and not committed, each with its last note."""
        return {
            at: Position(offset, self.committed[at].note)
            for at, offset in self.next.items()
            if at in self.committed and offset != self.committed[at].offset
        }

    def to_store(
        self, moved: Mapping[TopicPartition, Position], reached: Callable[[TopicPartition], int]
    ) -> dict[TopicPartition, Position]:
        """What to write for these positions, and for partitions that have only moved over what is not visible.

        reached: how far a partition was read, visible or not; less where that is not known.
        """
        named = {**self.committed, **moved}
        done = {
            at: max(position.offset, reached(at))
            for at, position in named.items()
            if position.offset == self.next.get(at)
        }
        stored = {at: Position(done.get(at, position.offset), position.note) for at, position in moved.items()}
        for at, offset in done.items():
            if at not in moved and offset > self.stored[at]:
                stored[at] = Position(offset, named[at].note)
        return stored

    def commit(self, moved: Mapping[TopicPartition, Position], stored: Mapping[TopicPartition, Position]) -> None:
        """These positions were committed, and stored as given."""
        self.committed.update(moved)
        self.stored.update({at: position.offset for at, position in stored.items()})
