"""One lane's records that are not settled yet: a merge of what it was routed and what it answered."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from comparator.answers import Answer
    from comparator.routed import RoutedFrame
    from understudy.deployments.plan import Lane


class Take(Protocol):
    """Takes a record of which it is known what became of it in its own lane; None: it is missing.

    Answers False when something else is still to be waited for: the record is then offered again.
    """

    def __call__(self, backlog: Backlog, frame: RoutedFrame, at: int, answer: Answer | None, /) -> bool: ...


@dataclass(slots=True)
class Backlog:
    """Routed frames and answers of one lane, both in the lane's order.

    Records are settled in that order: an answer is matched with its route, whichever of them became visible first;
    a record is missing when a later one of the lane was answered; an answer is unexpected when no route can come
    for it any more, or when it comes out of order, as a second answer to the same record does.

    frontier: the next source offset to settle. counted_to: what lies below was counted by an earlier owner, and is
    settled once more without being counted, because others wait for it. routed_to: where its last frame ends.
    closed: its last frame was an END. settled: records settled so far.
    """

    lane: Lane
    frontier: int = 0
    counted_to: int = 0
    routed_to: int = 0
    closed: bool = False
    settled: int = 0
    frames: deque[RoutedFrame] = field(default_factory=deque)
    answers: deque[Answer] = field(default_factory=deque)

    def route(self, frame: RoutedFrame) -> None:
        """Take a row of routes. Offsets that the lane has been routed before are settled only once."""
        self.routed_to = max(self.routed_to, frame.after)
        if frame.after <= self.frontier and not self.frames:
            self.closed = frame.closes
        else:
            self.frames.append(frame)

    def answer(self, answer: Answer) -> bool:
        """Take an answer; False when it is unexpected (or was settled by an earlier owner)."""
        tail = self.answers[-1].after if self.answers else self.frontier
        # A withdrawn range may be half settled already.
        if answer.after <= tail or (answer.source_offset < tail and answer.outcome in {"answered", "failed"}):
            return False
        self.answers.append(answer)
        return True

    @property
    def needs_from(self) -> int | None:
        """The first source offset that is routed and not settled, or one before it; None where nothing is."""
        return max(self.frontier, self.frames[0].base) if self.frames else None

    @property
    def next_owed(self) -> int | None:
        """The first record that is routed and not settled; None where none is."""
        return next((at for frame in self.frames for at in frame.offsets_from(self.frontier)), None)

    @property
    def owed(self) -> int:
        """Records that are routed and not settled."""
        return sum(frame.count_from(self.frontier) for frame in self.frames)

    def owes(self, at: int) -> bool:
        """Whether this record is routed and not settled."""
        if at < self.frontier:
            return False
        for frame in self.frames:
            if frame.base > at:
                return False
            if frame.holds(at):
                return True
        return False

    def settle(self, routes_to: int, take: Take, unexpected: Callable[[Backlog, Answer], None]) -> None:
        """Settle what can be. routes_to: every route below this source offset has been seen."""
        while self.frames and self._settle_frame(self.frames[0], routes_to, take, unexpected):
            frame = self.frames.popleft()
            self.frontier = max(self.frontier, frame.after)
            self.closed = frame.closes
        if not self.frames:
            self._drop_to(routes_to, unexpected)

    def _settle_frame(
        self, frame: RoutedFrame, routes_to: int, take: Take, unexpected: Callable[[Backlog, Answer], None]
    ) -> bool:
        answers = self.answers
        for at in frame.offsets_from(self.frontier):
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
            if answer.after > answer.source_offset + 1 or self.owes(answer.source_offset):
                return True
        return False

    def _drop_to(self, at: int, unexpected: Callable[[Backlog, Answer], None]) -> None:
        """Drop the answers before `at`, for which no route has come and none will."""
        while self.answers and self.answers[0].after <= at:
            answer = self.answers.popleft()
            if answer.outcome in {"answered", "failed"}:
                unexpected(self, answer)
            self.frontier = max(self.frontier, answer.after)
