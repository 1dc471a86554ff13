"""How the demo looks: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from understudy.app.demo.figures import Answers
    from understudy.app.demo.scenery import Version
    from understudy.app.demo.scoreboard import Scoreboard
    from understudy.app.status.facts import Times

REFRESH_PER_S: Final = 8
PLAIN_EVERY_S: Final = 2.0


class Screen:
    """Shows set-up and play. Everything that it shows was measured in this run."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._next_plain_s = 0.0

    @property
    def is_live(self) -> bool:
        return self._console.is_terminal

    def say(self, text: str = "") -> None:
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)

    @contextmanager
    def training(self, versions: Sequence[Version]) -> Iterator[Training]:
        """Progress bars, one a version."""
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
        progress = Progress(*columns, console=self._console, disable=not self.is_live)
        with progress:
            yield Training(self, progress, versions)

    def playing(self) -> AbstractContextManager[Live | None]:
        """A live area on a terminal."""
        if not self.is_live:
            return nullcontext(None)
        return Live(console=self._console, refresh_per_second=REFRESH_PER_S, transient=True)

    def show(self, live: Live | None, board: Scoreboard) -> None:
        """Show how far it is; where there is no terminal, a line every two seconds."""
        if live is not None:
            live.update(picture(board))
        elif time.monotonic() >= self._next_plain_s:
            self._next_plain_s = time.monotonic() + PLAIN_EVERY_S
            self.say(plain(board))


class Training:
    """Advances the progress bars, or prints a line for each version that is done."""

    def __init__(self, screen: Screen, progress: Progress, versions: Sequence[Version]) -> None:
        self._screen = screen
        self._progress = progress
        self._tasks = {v.ref: progress.add_task(f"{v.ref:18}{v.what}", total=1, start=False) for v in versions}

    def begin(self, version: Version) -> None:
        self._progress.start_task(self._tasks[version.ref])

    def done(self, version: Version, seconds: float) -> None:
        self._progress.update(self._tasks[version.ref], completed=1)
        if not self._screen.is_live:
            self._screen.say(f"  {version.ref:18}{version.what}: trained, checked and registered in {seconds:.1f} s")


def plain(board: Scoreboard) -> str:
    """One line."""
    shadows = "; ".join(
        f"{shadow.lane.version}: {shadow.pairs:,} compared, differs on {share(shadow.differs)}"
        for shadow in board.shadows
    )
    return (
        f"{board.elapsed_s:5.1f} s  {board.produced:,} flights in, {board.answered:,} answered "
        f"by {board.production.version}; shadows {shadows}"
    )


def picture(board: Scoreboard) -> Group:
    """The whole live area."""
    return Group(flow(board), table(board), latest(board.latest))


def flow(board: Scoreboard) -> Panel:
    """Where the records are."""
    text = Text.assemble(
        ("flights ", "bold"),
        f"{board.produced:>7,}",
        ("  →  router  →  ", "dim"),
        ("workers ", "bold"),
        f"{board.answered:>7,} answered",
        ("  →  ", "dim"),
        ("comparator ", "bold"),
        f"{sum(shadow.pairs for shadow in board.shadows):>7,} pairs",
        (f"      {board.rate_per_s:,.0f} flights/s   {board.elapsed_s:.0f} s", "dim"),
    )
    return Panel(text, title="Understudy: one stream, three versions", title_align="left", border_style="cyan")


def table(board: Scoreboard) -> Table:
    """A row a version."""
    grid = Table(expand=True, box=None, padding=(0, 1), header_style="bold")
    grid.add_column("version")
    grid.add_column("who uses its answers")
    for name in ("answered", "right", "compared", "agrees", "differs", "model µs p50 / p99"):
        grid.add_column(name, justify="right")
    grid.add_row(
        board.production.version,
        "your users",
        *answered(board.production_answers),
        "",
        "",
        "",
        micros(board.production.times),
    )
    for shadow in board.shadows:
        agrees = None if shadow.differs is None else 1 - shadow.differs
        cells = (f"{shadow.pairs:,}", share(agrees), share(shadow.differs), micros(shadow.lane.times))
        style = differing_style(shadow.differs)
        grid.add_row(shadow.lane.version, "nobody: in shadow", *answered(shadow.answers), *cells, style=style)
    return grid


def answered(answers: Answers) -> tuple[str, str]:
    """How many, and how many of them were right."""
    return f"{answers.answered:,}", share(answers.accuracy)


def micros(times: Times) -> str:
    """Quantiles of the time in the model."""
    return "" if times.p50_us is None else f"{times.p50_us:,.0f} / {times.p99_us:,.0f}"


def differing_style(differs: float | None) -> str:
    """Green for a shadow that agrees on 99 % and more, red for one that does not."""
    if differs is None:
        return "dim"
    return "green" if differs <= 0.01 else "red"  # noqa: PLR2004 - the margin that the line above names


def latest(row: Mapping[str, Any] | None) -> Text:
    """Production's newest answer in words."""
    if row is None:
        return Text("waiting for the first prediction ...", style="dim")
    return Text(f"latest prediction  {told(row)}", style="dim")


def told(row: Mapping[str, Any]) -> str:
    """A prediction for people."""
    probability = row["probabilities"][-1] if row["probabilities"] else None
    late = "15 minutes late or more" if row["label"] else "on time"
    chance = "" if probability is None else f" (chance to be late {probability:.0%})"
    return f"{row['event_id']}: {late}{chance}"


def share(value: float | None) -> str:
    """A share in per cent; a small one keeps its digits."""
    if value is None:
        return "-"
    return f"{value:.1%}" if value == 0 or 0.01 <= value <= 0.99 else f"{value:.2%}"  # noqa: PLR2004 - per cent
