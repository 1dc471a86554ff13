"""What the demo has shown, in sentences and in the textbook's table, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from understudy.app.demo import words
from understudy.app.demo.points import point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from understudy.app.demo.outcome import Outcome
    from understudy.app.demo.strategies import Strategic


def summary(outcome: Outcome) -> RenderableType:
    """The end of the demo: what each strategy costs and risks, what users got, and what took time."""
    took = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in outcome.took_s.items())
    return Group(
        Text(),
        *_strategies(outcome),
        Text(),
        *_users(outcome),
        Text(),
        Text(f"It took {sum(outcome.took_s.values()):.0f} s: {took}.", "dim"),
    )


def _strategies(outcome: Outcome) -> Iterator[RenderableType]:
    if not outcome.strategies:
        return
    yield Text.assemble(
        ("Three ways to release the broken version", "bold"),
        f", measured here on {outcome.strategies[0].flights:,} flights each:",
    )
    grid = Table(box=None, padding=(0, 2, 0, 2), pad_edge=False, header_style="underline")
    grid.add_column("  strategy", width=14, no_wrap=True)
    for name, width in (("model runs a flight", 19), ("users' answers it touched", 25), ("wrong", 6)):
        grid.add_column(name, justify="right", width=width, no_wrap=True)
    for each in outcome.strategies:
        grid.add_row(f"  {_name(each)}", *_row(each))
    yield grid


def _name(each: Strategic) -> str:
    return each.strategy + (f" {each.share_ppm / 1_000_000:.0%}" if each.strategy == "canary" else "")


def _row(each: Strategic) -> tuple[str, ...]:
    runs = each.executions_per_flight
    return (
        "-" if runs is None else f"{runs:.2f}",
        f"{each.touched:,} ({words.part(each.touched, each.flights)})",
        f"{each.wrong:,}",
    )


def _users(outcome: Outcome) -> Iterator[RenderableType]:
    found = outcome.proof
    yield Text.assemble(
        ("Your users", "bold"),
        f" got {found.flights - found.unanswered:,} answers to {found.flights:,} flights, while the plan changed "
        f"{len(outcome.course.changes)} times.",
    )
    yield point(
        f"Exactly once: {found.unanswered:,} unanswered, {found.doubled:,} answered twice, {found.failed:,} errors.",
        good=found.is_exactly_once,
    )
    yield point(
        f"By the right version, recomputed from the keys: {found.misrouted + found.misplaced + found.usurped:,} "
        f"exceptions; {found.reclaimed:,} by production for a version that was taken back.",
        good=found.is_by_the_right_version,
    )
    yield point(
        f"The ledger: {found.routed:,} records owed in {found.lanes} lanes, {found.in_flight:,} outstanding, residual "
        f"{found.residual:,}.",
        good=found.adds_up,
    )
    yield point(
        f"From writing a flight to its visible answer: {words.milliseconds(found.delay_p50_ms)} in the median, "
        f"{words.milliseconds(found.delay_p99_ms)} for 99 of 100.",
    )
