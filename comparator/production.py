"""What the answering lanes said, kept until every shadow lane that is not parked has used it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from comparator.answers import Answer
    from comparator.routed import RoutedFrame

T = TypeVar("T", "Answer", "RoutedFrame")


@dataclass(slots=True)
class Kept:
    """Of one answering lane: settled records in order, and the frames that they came from."""

    answers: deque[Answer] = field(default_factory=deque)
    frames: deque[RoutedFrame] = field(default_factory=deque)


@dataclass(slots=True)
class Production:
    """Answers by source offset, whichever lane gave them, and the rows from which they can be rebuilt."""

    _answers: dict[int, Answer] = field(default_factory=dict)
    _kept: dict[str, Kept] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, at: int) -> Answer | None:
        return self._answers.get(at)

    def put(self, frame: RoutedFrame, at: int, answer: Answer) -> None:
        """Keep what became of one record of an answering lane."""
        if answer.source_offset != at:
            answer = answer._replace(source_offset=at)
        kept = self._kept.get(answer.version)
        if kept is None:
            kept = self._kept[answer.version] = Kept()
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
        for version, kept in list(self._kept.items()):
            self._drop_kept_to(floor, kept)
            if not kept.answers and not kept.frames:
                del self._kept[version]

    def _drop_kept_to(self, floor: int, kept: Kept) -> None:
        while kept.answers and kept.answers[0].source_offset < floor:
            self._answers.pop(kept.answers.popleft().source_offset, None)
        while kept.frames and kept.frames[0].after <= floor:
            kept.frames.popleft()

    def take_over(self, other: Production) -> None:
        """Also keep what another one has kept, which may reach further back and further on."""
        for version, theirs in other._kept.items():
            ours = self._kept.setdefault(version, Kept())
            ours.answers = _united(ours.answers, theirs.answers, lambda answer: (answer.source_offset, answer.offset))
            ours.frames = _united(ours.frames, theirs.frames, lambda frame: (frame.base, frame.offset))
        self._answers.update(other._answers)

    def oldest_answer(self, floor: int = 0) -> int | None:
        """The topic offset of the first row that tells of a record at or after the source offset `floor`."""
        rows = (next((each.offset for each in kept.answers if each.source_offset >= floor), None) for kept in self._all)
        return min((row for row in rows if row is not None), default=None)

    def oldest_route(self, floor: int = 0) -> int | None:
        """The topic offset of the first route row with records at or after the source offset `floor`."""
        rows = (next((each.offset for each in kept.frames if each.after > floor), None) for kept in self._all)
        return min((row for row in rows if row is not None), default=None)

    @property
    def _all(self) -> Iterable[Kept]:
        return self._kept.values()


def _united(ours: Iterable[T], theirs: Iterable[T], place: Callable[[T], tuple[int, int]]) -> deque[T]:
    """Each once, in order."""
    by_place = {place(each): each for each in chain(ours, theirs)}
    return deque(by_place[key] for key in sorted(by_place))
