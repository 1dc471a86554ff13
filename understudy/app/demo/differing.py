"""Flights that a candidate answered differently, for people."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from understudy.app.demo import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from understudy.app.demo.figures import Differing

EXAMPLES: Final = 3


def differing(found: Iterable[Differing], production: str, candidate: str) -> Table:
    """The first of them, with what became of them."""
    grid = Table.grid(padding=(0, 2))
    for width in (8, 9, 12, 14, 14, 9):
        grid.add_column(width=width, no_wrap=True, overflow="ellipsis")
    says = (f"{words.short(version)} says" for version in (production, candidate))
    grid.add_row(*(Text(head, "dim") for head in ("flight", "", "left gate", *says, "in truth")))
    for row in islice(_rows(found), EXAMPLES):
        grid.add_row(*row)
    return grid


def _rows(found: Iterable[Differing]) -> Iterator[tuple[RenderableType, ...]]:
    for each in found:
        event = each.flight.event
        yield (
            event["flight_id"],
            words.route(event),
            words.push_back(event),
            words.answer_of_example(each.production),
            Text(words.answer_of_example(each.candidate), "red"),
            words.arrival(each.flight.late),
        )
