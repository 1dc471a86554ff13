"""What the demo shows while it plays: one picture of the scoreboard, which fits into 80 columns and keeps its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from understudy.app.demo import words
from understudy.app.demo.evidence import AGREES_BELOW
from understudy.app.demo.points import WIDTH

if TYPE_CHECKING:
    from rich.console import RenderableType

    from understudy.app.demo.figures import Answer
    from understudy.app.demo.scoreboard import Scoreboard, Standing

FIGURE_COLUMNS: Final = (("users' answers", 14), ("right", 6), ("compared", 8), ("vs. production", 15))
PART_STYLES: Final = {"production": "bold green", "shadow": "cyan", "-": "dim", "retired": "dim", "withdrawn": "dim"}


def picture(board: Scoreboard) -> RenderableType:
    """The whole live area."""
    return Group(progress(board), versions(board), latest(board.latest))


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
        title=Text(f"{board.act} of {board.acts}: {board.title}", "bold"),
        title_align="left",
        border_style="cyan",
        width=WIDTH,
    )


def _pace(board: Scoreboard) -> Table:
    grid = Table.grid(padding=(0, 2))
    for width in (20, 18, 21, 7):
        grid.add_column(width=width, no_wrap=True, justify="right")
    grid.add_row(
        ProgressBar(total=board.acts, completed=board.act - 1, width=20),
        f"{board.pace.rate_per_s:,.0f} flights/s",
        f"{words.milliseconds(board.pace.delay_ms)} to answer",
        f"{board.elapsed_s:.0f} s",
    )
    return grid


def versions(board: Scoreboard) -> Table:
    """A row a version."""
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold underline")
    grid.add_column("version", width=16, no_wrap=True)
    grid.add_column("is now", width=12, no_wrap=True)
    for name, width in FIGURE_COLUMNS:
        grid.add_column(name, justify="right", width=width, no_wrap=True)
    for each in board.versions:
        grid.add_row(
            each.version,
            Text(each.part, PART_STYLES.get(each.part, "yellow")),
            f"{each.answers.answered:,}",
            words.share(each.answers.accuracy),
            f"{each.pairs:,}" if each.pairs else "-",
            agreement(each),
        )
    return grid


def agreement(standing: Standing) -> Text:
    """How often a version agreed with production, or how often it did not."""
    if standing.differs is None:
        return Text("-", "dim")
    if standing.differs < AGREES_BELOW:
        return Text(f"agrees {words.share(1 - standing.differs)}", "green")
    return Text(f"differs {words.share(standing.differs)}", "red")


def latest(newest: Answer | None) -> Text:
    """The newest answer that users got, in words."""
    text = Text("latest answer  ", "dim", no_wrap=True, overflow="ellipsis")
    if newest is None:
        return text.append("waiting for the first ...")
    event, opinion = newest.sent.flight.event, newest.opinion
    flight = f"{event['flight_id']} {words.route(event)}, left the gate {words.push_back(event)}: "
    return text.append(flight, "default").append(words.opinion(opinion.late, opinion.chance), "bold default")
