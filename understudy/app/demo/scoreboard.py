"""Where a run of the demo stands: one frozen value for the screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.demo import scenery
from understudy.app.demo.figures import Answers

if TYPE_CHECKING:
    from understudy.app.demo.course import Course
    from understudy.app.demo.figures import Answer
    from understudy.deployments.fold import State

NOBODY: Final = Answers()


@dataclass(frozen=True, slots=True)
class Standing:
    """One version: what it is now, its answers to users, and how many were compared with production's.

    part: its stage, with a canary's share.
    """

    version: str
    part: str
    answers: Answers
    pairs: int
    differing: int

    @property
    def differs(self) -> float | None:
        """The share of pairs that did not match; None while there is none."""
        return self.differing / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Pace:
    """How it runs now. rate_per_s: answers a second; delay_ms: from writing an event to its visible answer."""

    rate_per_s: float = 0.0
    delay_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The run so far. act: its number, from 1 on, of `acts`."""

    act: int
    acts: int
    title: str
    elapsed_s: float
    produced: int
    answered: int
    pace: Pace
    versions: tuple[Standing, ...]
    latest: Answer | None

    @property
    def pairs(self) -> int:
        """Answers of all candidates that were compared with production's."""
        return sum(each.pairs for each in self.versions)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the story the demo is."""

    act: int
    acts: int
    title: str


def scoreboard(course: Course, state: State, place: Place, elapsed_s: float, rate_per_s: float) -> Scoreboard:
    """Put together what was counted. state: of the releases, as they are now."""
    figures = course.figures
    return Scoreboard(
        act=place.act,
        acts=place.acts,
        title=place.title,
        elapsed_s=elapsed_s,
        produced=len(figures.sent),
        answered=len(figures.answers),
        pace=Pace(rate_per_s, figures.recent_delay_ms()),
        versions=tuple(_standing(course, state, version.ref) for version in scenery.VERSIONS),
        latest=figures.latest,
    )


def _standing(course: Course, state: State, version: str) -> Standing:
    counts = course.compared.pairs(version)
    answers = course.figures.of_version.get(version, NOBODY)
    pairs = counts.total()
    return Standing(version, _part(state, version), answers, pairs, pairs - counts["matched"])


def _part(state: State, version: str) -> str:
    standing = state.versions.get(version)
    if standing is None:
        return "-"
    if standing.stage == "prepared":
        return "starting"
    if standing.stage == "canary" and state.plan is not None and state.plan.canary is not None:
        return f"canary {state.plan.canary.share_ppm / 1_000_000:.0%}"
    return standing.stage
