"""What a run of the demo came to, and the same as JSON with every figure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from understudy.app.demo.proof import moved_back, proof
from understudy.app.demo.scenery import BETTER, BROKEN
from understudy.app.demo.strategies import strategies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.demo.course import Change, Course
    from understudy.app.demo.proof import Proof
    from understudy.app.demo.strategies import Strategic


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that was played to its end.

    broker: memory, or its host:port. play_s: of the story. moved_back: planes that left the better canary again.
    touched_in_shadow: users' answers by the broken version while it was a shadow. took_s: seconds by part of the run,
    in order.
    """

    broker: str
    endpoint: str
    course: Course
    proof: Proof
    strategies: tuple[Strategic, ...]
    moved_back: int
    touched_in_shadow: int
    play_s: float
    took_s: Mapping[str, float]

    @property
    def is_sound(self) -> bool:
        """Whether all is as Understudy says that it is."""
        return self.proof.is_sound and not self.moved_back and not self.touched_in_shadow


def outcome(
    course: Course, broker: str, endpoint: str, window: int, play_s: float, took_s: Mapping[str, float]
) -> Outcome:
    """Judge a run."""
    return Outcome(
        broker=broker,
        endpoint=endpoint,
        course=course,
        proof=proof(course),
        strategies=strategies(course, window),
        moved_back=moved_back(course, BETTER)[0],
        touched_in_shadow=sum(
            course.figures.count_in(change.revision, BROKEN) for change in course.made_by(BROKEN, "shadow")
        ),
        play_s=play_s,
        took_s=took_s,
    )


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Every figure of the run."""
    found = outcome.proof
    return {
        "broker": outcome.broker,
        "endpoint": outcome.endpoint,
        "sound": outcome.is_sound,
        "took_s": {part: round(seconds, 3) for part, seconds in outcome.took_s.items()},
        "flights_per_s": round(found.flights / outcome.play_s, 1) if outcome.play_s else None,
        "proof": asdict(found),
        "planes_moved_back": outcome.moved_back,
        "users_answers_from_the_shadow": outcome.touched_in_shadow,
        "strategies": [
            asdict(each) | {"executions_per_flight": each.executions_per_flight} for each in outcome.strategies
        ],
        "changes": [_change(outcome.course, change) for change in outcome.course.changes],
        "versions": {
            version: {**asdict(answers), "accuracy": answers.accuracy}
            for version, answers in outcome.course.figures.of_version.items()
        },
    }


def _change(course: Course, change: Change) -> dict[str, Any]:
    candidates = [*change.plan.shadows, *([change.plan.canary.version] if change.plan.canary else [])]
    return {
        "command": change.command.words,
        "plan": change.plan.to_json(),
        "ready_s": round(change.planned_s - change.began_s, 3),
        "adopted_s": round(change.adopted_s, 3),
        "answers": course.figures.count_in(change.revision),
        "answers_by_version": {
            version: course.figures.count_in(change.revision, version) for version in change.plan.versions
        },
        "reclaimed": len(course.reclaimed(change.revision)),
        "pairs": {
            candidate: {
                "compared": dict(course.compared.pairs(candidate, change.revision)),
                **asdict(course.pairs(change, candidate)),
            }
            for candidate in candidates
        },
    }
