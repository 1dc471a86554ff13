"""Where the demo is shown: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from understudy.app.demo import words
from understudy.app.demo.checklist import Checklist
from understudy.app.demo.picture import picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from understudy.app.demo.checklist import Item
    from understudy.app.demo.scoreboard import Scoreboard

REFRESH_PER_S: Final = 8
PLAIN_EVERY_S: Final = 5.0


class Screen:
    """Shows set-up, play and end. Everything that it shows was measured in this run."""

    def __init__(self, console: Console | None = None) -> None:
        self._console: Final = console or Console(highlight=False)

    @property
    def is_live(self) -> bool:
        """Whether a picture can be drawn anew in place."""
        return self._console.is_terminal and not self._console.is_dumb_terminal

    def say(self, text: str | Text = "") -> None:
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)

    def show(self, what: RenderableType) -> None:
        """Something that stays, laid out for the width that there is."""
        self._console.print(what)

    def heading(self, text: str) -> None:
        """The title of what follows."""
        self._console.print(Text(f"\n{text}", "bold"), soft_wrap=True)

    @contextmanager
    def setting_up(self, items: Sequence[Item]) -> Iterator[Checklist]:
        """A list of steps that are ticked off; without a terminal, a line for each that is done."""
        if not self.is_live:
            yield Checklist(items, lambda item: self.say(str(item)))
            return
        checklist = Checklist(items)
        with Live(checklist, console=self._console, refresh_per_second=REFRESH_PER_S):
            yield checklist

    @contextmanager
    def playing(self) -> Iterator[Callable[[Scoreboard], None]]:
        """What shows a scoreboard, in place; without a terminal, as a line every five seconds."""
        if not self.is_live:
            yield PlainLines(self.say).show
            return
        with Live(console=self._console, refresh_per_second=REFRESH_PER_S, transient=True) as live:
            yield lambda board: live.update(picture(board))

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """A spinner while something takes its time."""
        return self._console.status(Text(what, "dim"), spinner_style="cyan") if self.is_live else nullcontext()


class PlainLines:
    """Says how far it is, every five seconds."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._next_s = clock() + PLAIN_EVERY_S

    def show(self, board: Scoreboard) -> None:
        """Say it, when it is time to."""
        if self._clock() >= self._next_s:
            self._next_s = self._clock() + PLAIN_EVERY_S
            self._say(plain(board))


def plain(board: Scoreboard) -> str:
    """One line."""
    parts = ", ".join(f"{words.short(each.version)} {each.part}" for each in board.versions if each.part != "-")
    return (
        f"{board.elapsed_s:5.1f} s  {board.produced:,} flights in, {board.answered:,} answered "
        f"({board.pace.rate_per_s:,.0f}/s, {words.milliseconds(board.pace.delay_ms)}): {parts or 'nobody yet'}"
    )
