"""What a candidate and production said of the same flights. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.demo.figures import right

if TYPE_CHECKING:
    from understudy.app.demo.figures import Answer, Figures, Flight, Opinion


@dataclass(slots=True)
class Pairs:
    """Sums over flights that both answered.

    judged: those whose truth is known; on these, of both versions: how many answers were right, and the sums of the
    squared differences between the chance that a version gave and what happened. lost: where production was right and
    the candidate was not; won: the other way round.
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
        self.candidate_squares += _square(candidate, late=flight.late)
        self.production_squares += _square(production, late=flight.late)

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
