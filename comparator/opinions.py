"""What production says to records, kept until every track that is not parked has been compared with it.

To most records production says what its answering lane answered. What a canary answers in its place, production is
sent as well where the canary is mirrored, and its shadow lane shows what it would have said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from comparator.feeds import answers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from comparator.answers import Answer
    from comparator.feeds import Feed
    from comparator.routed import RoutedFrame
    from comparator.tracks import Track

T = TypeVar("T", "Answer", "RoutedFrame")


@dataclass(slots=True)
class Kept:
    """Of one track: settled records in order, and the frames that they came from."""

    answers: deque[Answer] = field(default_factory=deque)
    frames: deque[RoutedFrame] = field(default_factory=deque)


@dataclass(slots=True)
class Opinions:
    """Answers by source offset, whichever lane gave them, and the rows from which they can be rebuilt."""

    _answers: dict[int, Answer] = field(default_factory=dict)
    _kept: dict[Track, Kept] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, at: int) -> Answer | None:
        return self._answers.get(at)

    def put(self, track: Track, frame: RoutedFrame, at: int, answer: Answer) -> None:
        """Keep what became of one record of a track."""
        if answer.source_offset != at:
            answer = answer._replace(source_offset=at)
        kept = self._kept.get(track)
        if kept is None:
            kept = self._kept[track] = Kept()
        if not kept.frames or kept.frames[-1] is not frame:
            kept.frames.append(frame)
        kept.answers.append(answer)
        self._answers[at] = answer

    def drop_to(self, floor: int | None) -> None:
        """Forget what lies before a source offset; None: everything."""
        if floor is None:
            self._answers.clear()
            self._kept.clear()
            return
        for track, kept in list(self._kept.items()):
            self._drop_kept_to(floor, kept)
            if not kept.answers and not kept.frames:
                del self._kept[track]

    def _drop_kept_to(self, floor: int, kept: Kept) -> None:
        while kept.answers and kept.answers[0].source_offset < floor:
            self._answers.pop(kept.answers.popleft().source_offset, None)
        while kept.frames and kept.frames[0].after <= floor:
            kept.frames.popleft()

    def take_over(self, other: Opinions) -> None:
        """Also keep what another one has kept, which may reach further back and further on."""
        for track, theirs in other._kept.items():
            ours = self._kept.setdefault(track, Kept())
            ours.answers = _united(ours.answers, theirs.answers, lambda answer: (answer.source_offset, answer.offset))
            ours.frames = _united(ours.frames, theirs.frames, lambda frame: (frame.base, frame.offset))
        self._answers.update(other._answers)

    def count_of(self, feed: Feed) -> int:
        """How many answers are kept that came from a topic."""
        return sum(len(kept.answers) for track, kept in self._kept.items() if answers_of(track.kind) == feed)

    def oldest_rows(self, floor: int = 0) -> Iterator[tuple[Feed, int]]:
        """Per track and topic, the offset of the first row that tells of a record at or after the offset `floor`."""
        for track, kept in self._kept.items():
            for answer in kept.answers:
                if answer.source_offset >= floor:
                    yield answers_of(track.kind), answer.offset
                    break
            for frame in kept.frames:
                if frame.after > floor:
                    yield "routes", frame.offset
                    break


def _united(ours: Iterable[T], theirs: Iterable[T], place: Callable[[T], tuple[int, int]]) -> deque[T]:
    """Each once, in order."""
    by_place = {place(each): each for each in chain(ours, theirs)}
    return deque(by_place[key] for key in sorted(by_place))
