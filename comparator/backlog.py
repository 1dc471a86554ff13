"""One track's records that are not settled yet: a merge of what its lane was routed and what it answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from comparator.answers import Answer
    from comparator.routed import RoutedFrame
    from comparator.tracks import Track
    from understudy.deployments.plan import Lane


class Take(Protocol):
    """Takes a record of which it is known what became of it in its own lane; None: it is missing.

    Answers False when something else is still to be waited for: the record is then offered again.
    """

    def __call__(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None, /) -> bool: ...


@dataclass(slots=True)
class Backlog:
    """Routed frames and answers of one track, both in its lane's order.

    Records are settled in that order: an answer is matched with its route, whichever of them became visible first;
    a record is missing when a later one of the lane was answered; an answer is unexpected when no route can come
    for it any more, or when it comes out of order, as a second answer to the same record does.

    frontier: the next source offset to settle. counted_to: what lies below was counted by an earlier owner; of that,
    production's opinions are settled once more without being counted, because others wait for them. routed_to: where
    its last frame ends; opinions_to: where the last one ends that shows production's opinion. closed: its last frame
    was an END. settled: records settled so far. compared: waiting frames whose records are to be compared.
    """

    track: Track
    frontier: int = 0
    counted_to: int = 0
    routed_to: int = 0
    opinions_to: int = 0
    closed: bool = False
    settled: int = 0
    compared: int = 0
    frames: deque[RoutedFrame] = field(default_factory=deque)
    answers: deque[Answer] = field(default_factory=deque)
    lane: Lane = field(init=False)

    def __post_init__(self) -> None:
        self.lane = self.track.lane

    def gives(self, frame: RoutedFrame) -> bool:
        """Whether the records of one of its frames show what production says to them."""
        return frame.is_opinion and self.track.kind != "canary"

    def compares(self, frame: RoutedFrame) -> bool:
        """Whether the records of one of its frames are held against production's opinion."""
        return frame.part == self.track.kind and not frame.closes

    def route(self, frame: RoutedFrame) -> None:
        """Take a row of routes. Offsets that the lane has been routed before are settled only once."""
        self.routed_to = max(self.routed_to, frame.after)
        if self.gives(frame) and not frame.closes:
            self.opinions_to = max(self.opinions_to, frame.after)
        if frame.after <= self.frontier and not self.frames:
            self.closed = frame.closes
        else:
            self.frames.append(frame)
            self.compared += self.compares(frame)

    def answer(self, answer: Answer) -> bool:
        """Take an answer; False when it is unexpected (or was settled by an earlier owner)."""
        tail = self.answers[-1].after if self.answers else self.frontier
        # A withdrawn range may be half settled already.
        if answer.after <= tail or (answer.source_offset < tail and answer.outcome in {"answered", "failed"}):
            return False
        self.answers.append(answer)
        return True

    def _first_of(self, frame: RoutedFrame) -> int:
        """The source offset from which one of its frames is to be settled."""
        if self.gives(frame):
            return self.frontier
        if self.track.kind == "canary" and not self.compares(frame):
            return frame.after
        return max(self.frontier, self.counted_to)

    @property
    def owes_from(self) -> int | None:
        """The first source offset that is routed and not settled, or one before it; None where nothing is."""
        return max(self._first_of(self.frames[0]), self.frames[0].base) if self.frames else None

    @property
    def compares_from(self) -> int | None:
        """The same of the records that are to be compared: from there on production's opinion is needed."""
        if not self.compared:
            return None
        first = next(frame for frame in self.frames if self.compares(frame))
        return max(self._first_of(first), first.base)

    @property
    def next_owed(self) -> int | None:
        """The first record that is routed and not settled; None where none is."""
        return next((at for frame in self.frames for at in frame.offsets_from(self._first_of(frame))), None)

    @property
    def owed(self) -> int:
        """Records that are routed and not settled."""
        return sum(frame.count_from(self._first_of(frame)) for frame in self.frames)

    def owes_opinion(self, at: int) -> bool:
        """Whether this record is routed and not settled, and will show what production says to it."""
        return self.frontier <= at < self.opinions_to and any(map(self.gives, self._frames_with(at)))

    def _has_route(self, at: int) -> bool:
        """Whether this record is routed and not settled."""
        return at >= self.frontier and any(self._frames_with(at))

    def _frames_with(self, at: int) -> Iterator[RoutedFrame]:
        for frame in self.frames:
            if frame.base > at:
                return
            if frame.holds(at):
                yield frame

    def settle(self, routes_to: int, take: Take, unexpected: Callable[[Backlog, Answer], None]) -> None:
        """Settle what can be. routes_to: every route below this source offset has been seen."""
        while self.frames and self._settle_frame(self.frames[0], routes_to, take, unexpected):
            frame = self.frames.popleft()
            self.compared -= self.compares(frame)
            self.frontier = max(self.frontier, frame.after)
            self.closed = frame.closes
        if not self.frames:
            self._drop_to(routes_to, unexpected)

    def _settle_frame(
        self, frame: RoutedFrame, routes_to: int, take: Take, unexpected: Callable[[Backlog, Answer], None]
    ) -> bool:
        answers = self.answers
        for at in frame.offsets_from(self._first_of(frame)):
            if answers and answers[0].after <= at:
                self._drop_to(at, unexpected)
            if not answers:
                return False
            head = answers[0]
            if head.source_offset > at:
                if not self.is_passed(routes_to) or not take(self, frame, at, None):
                    return False
            elif not take(self, frame, at, head):
                return False
            elif head.after == at + 1:
                answers.popleft()
            self.frontier = at + 1
            self.settled += 1
        return True

    def is_passed(self, routes_to: int) -> bool:
        """Whether a record later than the frontier was answered: only an answer that has a route shows that."""
        for answer in self.answers:
            if answer.source_offset >= routes_to:
                return False
            if answer.after > answer.source_offset + 1 or self._has_route(answer.source_offset):
                return True
        return False

    def _drop_to(self, at: int, unexpected: Callable[[Backlog, Answer], None]) -> None:
        """Drop the answers before `at`, for which no route has come and none will."""
        while self.answers and self.answers[0].after <= at:
            answer = self.answers.popleft()
            if answer.outcome in {"answered", "failed"}:
                unexpected(self, answer)
            self.frontier = max(self.frontier, answer.after)
