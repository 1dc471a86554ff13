"""What a candidate and production said of the same flights. Pure."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.demo.figures import right

if TYPE_CHECKING:
    from collections.abc import Iterable

    from understudy.app.demo.figures import Answer, Figures, Flight, Opinion

MIN_JUDGED: Final = 30
"""Of fewer flights nothing is said."""


@dataclass(slots=True)
class Pairs:
    """Sums over flights that both answered.

    judged: those whose truth is known; on these, of both versions: how many answers were right, and the sums of the
    squared differences between the chance that a version gave and what happened. lost: where production was right and
    the candidate was not; won: the other way round. gain_squares: the sum of the squares of by how much the candidate's
    squared difference was the smaller one.
    """

    flights: int = 0
    differing: int = 0
    judged: int = 0
    candidate_right: int = 0
    production_right: int = 0
    lost: int = 0
    won: int = 0
    candidate_squares: float = 0.0
    production_squares: float = 0.0
    gain_squares: float = 0.0

    def add(self, flight: Flight, candidate: Opinion, production: Opinion) -> None:
        """Count one flight."""
        self.flights += 1
        self.differing += candidate.late != production.late
        if flight.late is None:
            return
        good, before = bool(right(candidate, flight)), bool(right(production, flight))
        self.judged += 1
        self.candidate_right += good
        self.production_right += before
        self.lost += before and not good
        self.won += good and not before
        ours, theirs = _square(candidate, late=flight.late), _square(production, late=flight.late)
        self.candidate_squares += ours
        self.production_squares += theirs
        self.gain_squares += (theirs - ours) ** 2

    @property
    def differs(self) -> float | None:
        return self.differing / self.flights if self.flights else None

    @property
    def accuracies(self) -> tuple[float | None, float | None]:
        """Of the candidate, and of production."""
        if not self.judged:
            return None, None
        return self.candidate_right / self.judged, self.production_right / self.judged

    @property
    def briers(self) -> tuple[float | None, float | None]:
        """The mean squared error of the chances: of the candidate's, and of production's."""
        if not self.judged:
            return None, None
        return self.candidate_squares / self.judged, self.production_squares / self.judged

    @property
    def is_tie(self) -> bool:
        """Whether the Brier scores are within two standard errors of each other; as if flights were independent.

        They are not, and more are ties than this says.
        """
        gain = self.production_squares - self.candidate_squares
        return self.judged < MIN_JUDGED or gain**2 <= 4 * (self.gain_squares - gain**2 / self.judged)


def combined(several: Iterable[Pairs]) -> Pairs:
    """The sums of them all."""
    rows = [astuple(each) for each in several]
    return Pairs(*map(sum, zip(*rows, strict=True)))


def paired(figures: Figures, revision: int, candidate: str, production: str) -> Pairs:
    """The pairs under one plan. What was reclaimed is no answer of the version that was asked, and is left out."""
    pairs = Pairs()
    for answer in figures.answers_in(revision):
        sides = {candidate, production}
        if not answer.is_reclaimed and answer.opinion.version in sides:
            other = next(iter(sides - {answer.opinion.version}))
            opinion = beside(figures, answer, other)
            if opinion is not None:
                both = (answer.opinion, opinion) if other == production else (opinion, answer.opinion)
                pairs.add(answer.sent.flight, *both)
    return pairs


def beside(figures: Figures, answer: Answer, version: str) -> Opinion | None:
    """What another version said of the flight of an answer, unheard."""
    opinions = figures.opinions.get(answer.sent.number, ())
    return next((each for each in opinions if each.version == version and each.revision == answer.revision), None)


def _square(opinion: Opinion, *, late: bool) -> float:
    chance = 0.5 if opinion.chance is None else opinion.chance
    return (chance - late) ** 2
