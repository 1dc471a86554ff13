"""The steps of setting up, each with a mark, a bar that moves while it runs, and the seconds that it took."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

BAR_WIDTH: Final = 12
NAME_WIDTH: Final = 16
WHAT_WIDTH: Final = 38

State = Literal["waiting", "running", "done", "failed"]
MARKS: Final = {"waiting": Text("·", "dim"), "done": Text("✓", "bold green"), "failed": Text("✗", "bold red")}
NAME_STYLES: Final = {"waiting": "dim", "running": "bold", "done": "", "failed": "red"}


@dataclass(slots=True)
class Item:
    """One step. what: a few words about it, which may change while it runs."""

    name: str
    what: str
    state: State = "waiting"
    began_s: float = 0.0
    took_s: float = 0.0

    def __str__(self) -> str:
        return f"  {self.name:<{NAME_WIDTH}}  {self.what}  ({self.took_s:.1f} s)"


class Checklist:
    """All steps, as they stand; rich renders it."""

    def __init__(
        self,
        items: Sequence[Item],
        done: Callable[[Item], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.items: Final = tuple(items)
        self._done = done
        self._clock = clock
        self._spinner = Spinner("dots", style="cyan")

    @contextmanager
    def doing(self, name: str) -> Iterator[Item]:
        """Do one of the steps in a block."""
        item = next(item for item in self.items if item.name == name)
        item.state, item.began_s = "running", self._clock()
        try:
            yield item
        except BaseException:
            item.state = "failed"
            raise
        finally:
            item.took_s = self._clock() - item.began_s
        item.state = "done"
        self._done(item)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=1)
        grid.add_column(width=NAME_WIDTH, no_wrap=True)
        grid.add_column(width=WHAT_WIDTH, no_wrap=True, overflow="ellipsis")
        grid.add_column(width=BAR_WIDTH)
        grid.add_column(width=7, justify="right", no_wrap=True)
        for item in self.items:
            style = NAME_STYLES[item.state]
            what = Text(item.what, "dim" if item.state == "waiting" else "")
            grid.add_row(self._mark(item), Text(item.name, style), what, self._bar(item), self._seconds(item))
        yield grid

    def _mark(self, item: Item) -> RenderableType:
        return self._spinner if item.state == "running" else MARKS[item.state]

    def _bar(self, item: Item) -> RenderableType:
        if item.state == "running":
            return ProgressBar(total=None, width=BAR_WIDTH, animation_time=self._clock())
        return ProgressBar(total=1, completed=item.state == "done", width=BAR_WIDTH)

    def _seconds(self, item: Item) -> str:
        match item.state:
            case "waiting":
                return ""
            case "running":
                return f"{self._clock() - item.began_s:.1f} s"
            case _:
                return f"{item.took_s:.1f} s"
