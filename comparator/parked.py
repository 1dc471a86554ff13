"""A track that fell behind: where to read it again, so that it holds back neither positions nor other tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from comparator.feeds import FEEDS, Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comparator.answers import Answer


@dataclass(slots=True)
class Parked:
    """What is known of a parked track. It fits into a note.

    frontier: the next source offset to settle. owed: records that were routed to it and are not settled. revision:
    of its last route. opinions_to: where its last frame ends that shows production's opinion, in source offsets.
    anchors: per topic, the offset of a row at or before the first one that it needs; a topic that is not there has
    nothing for it yet. counted_to: rows of its own topic below this offset were counted, as far as they were
    unexpected. answered_to: where its last answer ends, in source offsets. awake: there are answers in its topic that
    were not read yet. closed: its last frame was an END.
    """

    frontier: int
    owed: int
    revision: int
    opinions_to: int
    counted_to: int
    answered_to: int
    awake: bool
    closed: bool = False
    anchors: dict[Feed, int] = field(default_factory=dict)

    @property
    def owes_opinions(self) -> bool:
        """Whether it may still show what production says to some records."""
        return self.frontier < self.opinions_to

    def may_owe_opinion(self, at: int) -> bool:
        """Whether this record may be one of them."""
        return self.frontier <= at < self.opinions_to

    def hear(self, feed: Feed, answer: Answer) -> None:
        """Take note of a new answer, which is not read now."""
        self.awake = True
        self.answered_to = max(self.answered_to, answer.after)
        self.anchors.setdefault(feed, answer.offset)

    def to_json(self) -> list[object]:
        """The compact form for a note."""
        anchors = [self.anchors.get(feed) for feed in FEEDS]
        counts = [self.frontier, self.owed, self.revision, self.opinions_to, self.counted_to, self.answered_to]
        return [*counts, int(self.awake) + 2 * int(self.closed), anchors]

    @classmethod
    def of_json(cls, items: Sequence[Any]) -> Self:
        """The inverse of `to_json`. Raises ValueError, TypeError."""
        *counts, flags, anchors = items
        frontier, owed, revision, opinions_to, counted_to, answered_to = counts
        known = {feed: anchor for feed, anchor in zip(FEEDS, anchors, strict=True) if anchor is not None}
        awake, closed = bool(flags & 1), bool(flags & 2)
        return cls(frontier, owed, revision, opinions_to, counted_to, answered_to, awake, closed, known)
