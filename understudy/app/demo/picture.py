"""What the demo shows while it plays: one picture of the scoreboard, which fits into 80 columns and keeps its shape."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from understudy.app.demo import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from understudy.app.demo.figures import Answers, Differing, Latest
    from understudy.app.demo.scoreboard import Scoreboard, Shadow
    from understudy.app.status.facts import Lane

WIDTH: Final = 80
AGREES_BELOW: Final = 0.01
"""A shadow that differs on less than this share is said to agree; a policy will decide that properly."""
EXAMPLES: Final = 3
FIGURE_COLUMNS: Final = (("answered", 8), ("right", 6), ("compared", 8), ("vs. production", 14), ("model µs", 12))


def picture(board: Scoreboard) -> RenderableType:
    """The whole live area."""
    return Group(progress(board), versions(board), Text(), latest(board.latest), Text(), examples(board))


def progress(board: Scoreboard) -> Panel:
    """Where the records are, and how fast they go."""
    stages = Text(no_wrap=True).assemble(
        ("flights ", "bold"),
        f"{board.produced:>6,}",
        (" → router → ", "dim"),
        ("workers ", "bold"),
        f"{board.answered:>6,} answers",
        (" → ", "dim"),
        ("comparator ", "bold"),
        f"{board.pairs:>6,} pairs",
    )
    return Panel(
        Group(stages, _pace(board)),
        title="Understudy: one stream of flights, three versions of a model",
        title_align="left",
        border_style="cyan",
        width=WIDTH,
    )


def _pace(board: Scoreboard) -> Table:
    grid = Table.grid(padding=(0, 2))
    for width in (22, 4, 15, 19, 5):
        grid.add_column(width=width, no_wrap=True, justify="right")
    grid.add_row(
        ProgressBar(total=board.events, completed=board.answered, width=22),
        f"{board.answered / board.events:.0%}" if board.events else "",
        f"{board.pace.rate_per_s:,.0f} flights/s",
        f"{words.milliseconds(board.pace.delay_ms)} to answer",
        f"{board.elapsed_s:.0f} s",
    )
    return grid


def versions(board: Scoreboard) -> Table:
    """A row a version."""
    grid = Table(
        box=None,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        header_style="bold underline",
        caption="right: of the flights whose arrival is known.  model µs: median/99 of 100",
        caption_justify="left",
        caption_style="dim",
    )
    grid.add_column("version", width=16, no_wrap=True)
    grid.add_column("answers to", width=10, no_wrap=True)
    for name, width in FIGURE_COLUMNS:
        grid.add_column(name, justify="right", width=width, no_wrap=True)
    production = board.production_answers
    grid.add_row(board.production.version, "your users", *_answered(production), "", "", _times(board.production))
    for shadow in board.shadows:
        pairs = f"{shadow.pairs:,}" if shadow.pairs else "-"
        answered = _answered(shadow.answers)
        grid.add_row(shadow.lane.version, "nobody", *answered, pairs, agreement(shadow), _times(shadow.lane))
    return grid


def _answered(answers: Answers) -> tuple[str, str]:
    return f"{answers.answered:,}", words.share(answers.accuracy)


def _times(lane: Lane) -> str:
    """Quantiles of the time in the model for a record."""
    if lane.times.p50_us is None:
        return "-"
    return f"{words.microseconds(lane.times.p50_us)}/{words.microseconds(lane.times.p99_us)}"


def agreement(shadow: Shadow) -> Text:
    """How often it agrees with production, or how often it does not."""
    if shadow.differs is None:
        return Text("-", "dim")
    if agrees(shadow):
        return Text(f"agrees {words.share(1 - shadow.differs)}", "bold green")
    return Text(f"differs {words.share(shadow.differs)}", "bold red")


def agrees(shadow: Shadow) -> bool:
    """Whether a shadow that was compared says what production says."""
    return shadow.differs is not None and shadow.differs < AGREES_BELOW


def latest(newest: Latest | None) -> Text:
    """Production's newest answer in words."""
    text = Text("latest answer  ", "dim", no_wrap=True, overflow="ellipsis")
    if newest is None:
        return text.append("waiting for the first ...")
    event = newest.flight.event
    flight = f"{event['flight_id']} {words.route(event)}, left the gate {words.push_back(event)}: "
    return text.append(flight, "default").append(words.answer(newest.row), "bold default")


def examples(board: Scoreboard) -> RenderableType:
    """The first flights that the worst shadow answered differently; as many lines whether there are any or not."""
    worst = max(board.shadows, key=lambda shadow: shadow.differs or 0.0, default=None)
    if worst is None or not worst.differing:
        return Group(Text("answers that differ  none so far", "dim"), *[Text()] * EXAMPLES)
    return differing(worst, board.production.version)


def differing(shadow: Shadow, production: str) -> Table:
    """The first flights that a shadow answered differently, with what became of them."""
    grid = Table.grid(padding=(0, 2))
    for width in (8, 9, 12, 14, 14, 9):
        grid.add_column(width=width, no_wrap=True, overflow="ellipsis")
    says = (f"{words.short(version)} says" for version in (production, shadow.lane.version))
    grid.add_row(*(Text(head, "dim") for head in ("flight", "", "left gate", *says, "in truth")))
    for row in islice(_rows(shadow.differing), EXAMPLES):
        grid.add_row(*row)
    for _ in range(EXAMPLES - len(shadow.differing)):
        grid.add_row("")
    return grid


def _rows(differing: Iterable[Differing]) -> Iterator[tuple[RenderableType, ...]]:
    for each in differing:
        event = each.flight.event
        yield (
            event["flight_id"],
            words.route(event),
            words.push_back(event),
            words.answer_of_example(each.production),
            Text(words.answer_of_example(each.shadow), "red"),
            words.arrival(each.flight.late),
        )
