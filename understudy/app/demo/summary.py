"""What the demo has shown, in sentences for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from understudy.app.demo import scenery, words
from understudy.app.demo.picture import agrees, differing, versions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from understudy.app.demo.outcome import Outcome
    from understudy.app.demo.scoreboard import Scoreboard, Shadow


def summary(outcome: Outcome) -> RenderableType:
    """The end of the demo: what users saw, what each shadow would have done, and what took time."""
    board = outcome.board
    parts: list[RenderableType] = [Text(), versions(board), Text(), *_users(outcome)]
    for shadow in board.shadows:
        parts += [Text(), *_shadow(shadow, board)]
    took = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in outcome.took_s.items())
    return Group(*parts, Text(), Text(f"It took {sum(outcome.took_s.values()):.0f} s: {took}.", "dim"))


def _users(outcome: Outcome) -> Iterator[RenderableType]:
    board = outcome.board
    production = board.production.version
    yield Text.assemble(
        ("Your users", "bold"),
        f" got {words.count(board.answered, 'answer', 'answers')} to {words.count(board.produced, 'flight', 'flights')}"
        f", {words.share(board.production_answers.accuracy)} of them right.",
    )
    once = board.missing == board.doubled == board.failed == 0
    yield _point(
        f"Exactly once: {board.missing:,} unanswered, {board.doubled:,} answered twice, {board.failed:,} errors.",
        good=once,
    )
    yield _point(
        f"All by {production}, which is in production: {board.touched:,} answers of a shadow reached them.",
        good=board.touched == 0,
    )
    yield _point(
        f"The ledger: {board.owed:,} records owed by {len(board.lanes)} versions, {board.in_flight:,} "
        f"outstanding, residual {board.residual:,}.",
        good=board.in_flight == board.residual == 0,
    )
    yield _point(
        f"From writing an event to its visible answer: {words.milliseconds(outcome.delay_p50_ms)} in the median, "
        f"{words.milliseconds(outcome.delay_p99_ms)} for 99 of 100.",
    )


def _shadow(shadow: Shadow, board: Scoreboard) -> Iterator[RenderableType]:
    what = {version.ref: version.what for version in scenery.VERSIONS}[shadow.lane.version]
    yield Text.assemble((shadow.lane.version, "bold"), (f"  {what}", "dim"))
    right, production = (words.share(answers.accuracy) for answers in (shadow.answers, board.production_answers))
    if agrees(shadow):
        yield _point(f"It agrees with production on {_of(shadow.agreeing, shadow.pairs)}.", good=True)
        yield _point(f"{right} of its answers are right; of production's, {production}.")
        return
    other = shadow.pairs - shadow.agreeing
    yield _point(f"It differs from production on {_of(other, shadow.pairs)}.", good=False)
    yield _point(f"{right} of its answers are right; of production's, {production}.", good=False)
    yield _point("It was caught in shadow. Released blind, it would have told your users, for instance:")
    yield Padding(differing(shadow, board.production.version), (0, 0, 0, 4))


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} answers ({words.share(part / whole if whole else None)})"


def _point(text: str, *, good: bool | None = None) -> Table:
    """A line with a mark, or with none; it wraps under itself."""
    mark = Text() if good is None else Text("✓", "green") if good else Text("✗", "red")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=1)
    grid.add_row("", mark, Text(text))
    return grid
