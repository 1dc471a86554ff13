"""A lane that fell behind: where to read it again, so that it holds back neither positions nor other lanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from comparator.feeds import FEEDS, Feed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from comparator.answers import Answer


@dataclass(slots=True)
class Parked:
    """What is known of a parked lane. It fits into a note.

    frontier: the next source offset to settle. owed: records that were routed to it and are not settled. revision:
    of its last route. anchors: per topic, the offset of a row at or before the first one that it needs; a topic that
    is not there has nothing for it yet. counted_to: rows of its own topic below this offset were counted, as far as
    they were unexpected. answered_to: where its last answer ends, in source offsets. awake: there are answers in its
    topic that were not read yet.
    """

    frontier: int
    owed: int
    revision: int
    counted_to: int
    answered_to: int
    awake: bool
    anchors: dict[Feed, int] = field(default_factory=dict)

    def hear(self, feed: Feed, answer: Answer) -> None:
        """Take note of a new answer, which is not read now."""
        self.awake = True
        self.answered_to = max(self.answered_to, answer.after)
        self.anchors.setdefault(feed, answer.offset)

    def to_json(self) -> list[object]:
        """The compact form for a note."""
        anchors = [self.anchors.get(feed) for feed in FEEDS]
        return [self.frontier, self.owed, self.revision, self.counted_to, self.answered_to, int(self.awake), anchors]

    @classmethod
    def of_json(cls, items: Sequence[Any]) -> Self:
        """The inverse of `to_json`. Raises ValueError, TypeError."""
        frontier, owed, revision, counted_to, answered_to, awake, anchors = items
        known = {feed: anchor for feed, anchor in zip(FEEDS, anchors, strict=True) if anchor is not None}
        return cls(frontier, owed, revision, counted_to, answered_to, bool(awake), known)
