"""How evidence looks: a line with a mark, which wraps under itself."""

from __future__ import annotations

from typing import Final

from rich.table import Table
from rich.text import Text

WIDTH: Final = 80
"""Everything that the demo shows fits into so many columns."""


def point(text: str | Text, *, good: bool | None = None) -> Table:
    """Something that was found out, and whether it is as it should be; None: it just is."""
    mark = Text("·", "dim") if good is None else Text("✓", "green") if good else Text("✗", "red")
    return _line(mark, Text(text) if isinstance(text, str) else text)


def command(words: str) -> Table:
    """What a person would type."""
    return _line(Text("$", "dim"), Text(words, "bold cyan"))


def _line(mark: Text, text: Text) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(width=1)
    grid.add_column(max_width=WIDTH - 4)
    grid.add_row("", mark, text)
    return grid
