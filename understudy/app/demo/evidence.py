"""What is told of each act, from nothing but what was read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.padding import Padding

from understudy.app.demo import words
from understudy.app.demo.differing import differing
from understudy.app.demo.figures import longest_gap_ms, quantile
from understudy.app.demo.pairs import combined
from understudy.app.demo.points import point
from understudy.app.demo.proof import moved_back
from understudy.app.demo.scenery import BETTER, BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from understudy.app.demo.course import Change, Course
    from understudy.app.demo.figures import Answer

AGREES_BELOW: Final = 0.01
"""A candidate that differs on less than this share is said to agree; a policy will decide that properly."""
AROUND_S: Final = 1.0
BEFORE_S: Final = 5.0
HARDLY_MS: Final = 250.0
"""So much more than before is no interruption."""


def production(course: Course) -> Iterator[RenderableType]:
    """How the first version does."""
    answers = course.answers(course.now)
    delay = words.milliseconds(quantile([each.delay_ms for each in answers], 0.5))
    yield point(
        f"{len(answers):,} answers, {words.share(accuracy(answers))} of them right; {delay} from writing a flight to "
        "its visible answer (median)."
    )


def agreement(course: Course) -> Iterator[RenderableType]:
    """How a shadow compares with production, as the comparator counted it."""
    candidate = course.now.command.version
    counts = course.compared.pairs(candidate, course.now.revision)
    pairs, matched = counts.total(), counts["matched"]
    good = pairs > 0 and matched >= (1 - AGREES_BELOW) * pairs
    yield point(f"It agrees with production on {_of(matched, pairs)}.", good=good)


def caught(course: Course) -> Iterator[RenderableType]:
    """What a broken shadow would have told users, with what became of the flights."""
    change, candidate = course.now, course.now.command.version
    counts = course.compared.pairs(candidate, change.revision)
    pairs = course.pairs(change, candidate)
    yield point(f"It differs from production on {_of(counts.total() - counts['matched'], counts.total())}.", good=False)
    yield point(
        f"Of {pairs.judged:,} flights whose arrival is known, it is right about "
        f"{words.share(pairs.accuracies[0])}, production about {words.share(pairs.accuracies[1])}. It would have made "
        f"{pairs.lost:,} right answers wrong:",
        good=False,
    )
    found = course.figures.differing.get((candidate, change.revision), [])
    yield Padding(differing(found, change.plan.production, candidate), (0, 0, 0, 4))


def untouched(course: Course) -> Iterator[RenderableType]:
    """Whether any user got an answer of a shadow that was taken back."""
    for change in course.made_by(BROKEN, "shadow"):
        touched = course.figures.count_in(change.revision, BROKEN)
        answers = course.figures.count_in(change.revision)
        yield point(f"{touched:,} of {answers:,} answers that users got meanwhile were its own.", good=touched == 0)


def uninterrupted(course: Course) -> Iterator[RenderableType]:
    """The longest time without a new answer around the latest change, beside that before it."""
    times, change = course.figures.visible_s, course.now
    gap = longest_gap_ms(times, change.planned_s, change.done_s + AROUND_S)
    before = longest_gap_ms(times, change.began_s - BEFORE_S, change.began_s)
    hardly = gap is not None and before is not None and gap <= before + HARDLY_MS
    yield point(
        f"Users had new answers at least every {words.milliseconds(gap)} around this change; before it, every "
        f"{words.milliseconds(before)}.",
        good=True if hardly else None,
    )


def share(course: Course) -> Iterator[RenderableType]:
    """What part of the flights, and of the planes, a canary has had."""
    canary = course.now.plan.canary
    if canary is not None:
        answers = course.answers(course.now)
        given = [each for each in answers if each.routed == canary.version]
        planes, its = (len({each.sent.flight.key for each in some}) for some in (answers, given))
        yield point(
            f"Asked for {canary.share_ppm / 1_000_000:.0%}: it got {words.part(its, planes)} of the {planes:,} planes, "
            f"and so {words.part(len(given), len(answers))} of the {len(answers):,} flights."
        )


def better(course: Course) -> Iterator[RenderableType]:
    """A canary and production on the same flights, which production scores unheard."""
    changes = list(course.made_by(BETTER, "canary"))
    pairs = combined(course.pairs(change, BETTER) for change in changes)
    if pairs.judged:
        old = words.short(changes[0].plan.production)
        ours, theirs = pairs.accuracies
        brier, beside = pairs.briers
        verdict = "too few flights to tell which is better" if pairs.is_tie else "less is better"
        yield point(
            f"On the same {pairs.judged:,} flights it is right about {words.share(ours)}, {old} about "
            f"{words.share(theirs)}; Brier score {brier:.4f}, {old}'s {beside:.4f}: {verdict}."
        )


def sticky(course: Course) -> Iterator[RenderableType]:
    """Whether a plane that the canary had once stayed with it."""
    moved, planes = moved_back(course, BETTER)
    yield point(
        f"{moved:,} of the {planes:,} planes that it ever answered went back to the old version.", good=not moved
    )


def canary_caught(course: Course) -> Iterator[RenderableType]:
    """How a broken canary compares with production on the same flights."""
    counts = course.compared.pairs(BROKEN, course.now.revision)
    pairs = course.pairs(course.now, BROKEN)
    differing = counts.total() - counts["matched"]
    yield point(
        f"It differs from production, which scores its flights unheard, on {_of(differing, counts.total())}; right: "
        f"{words.share(pairs.accuracies[0])}, production {words.share(pairs.accuracies[1])}.",
        good=False,
    )


def reclaimed(course: Course) -> Iterator[RenderableType]:
    """Who answered what a canary owed when it was taken back, and what users had of it."""
    for change in course.made_by(BROKEN, "canary"):
        owed = course.reclaimed(change.revision)
        slowest = max((each.delay_ms for each in owed), default=None)
        waited = "" if slowest is None else f", the last after {slowest / 1_000:.1f} s"
        yield point(
            f"What it still owed, {words.count(len(owed), 'flight', 'flights')}, was answered by "
            f"{words.short(course.now.plan.production)}{waited}. Each flight has one answer.",
            good=True,
        )
        yield point(_harm(course, change), good=False)


def blind(course: Course) -> Iterator[RenderableType]:
    """What users had of a version that was simply swapped in."""
    for change in course.made_by(BROKEN, "basic"):
        yield point(_harm(course, change), good=False)


def accuracy(answers: list[Answer]) -> float | None:
    """Of those whose truth is known."""
    judged = [each.is_right for each in answers if each.is_right is not None]
    return sum(judged) / len(judged) if judged else None


def _harm(course: Course, change: Change) -> str:
    answers = course.answers(change)
    its = [each for each in answers if each.opinion.version == BROKEN]
    wrong = sum(each.is_right is False for each in its)
    return f"{_of(len(its), len(answers))} were its own, and {wrong:,} of them wrong."


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} answers ({words.part(part, whole)})"
