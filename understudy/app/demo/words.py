"""Figures, flights and answers, as people say them. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def share(value: float | None) -> str:
    """A share in per cent, with more digits near nothing and near all; '-' where it is not known."""
    if value is None:
        return "-"
    return f"{value:.1%}" if value in (0, 1) or 0.01 <= value <= 0.99 else f"{value:.2%}"  # noqa: PLR2004 - per cent


def part(some: int, whole: int) -> str:
    """A part of a whole as a share."""
    return share(some / whole if whole else None)


def milliseconds(value: float | None) -> str:
    """A time of milliseconds; '-' where none was measured."""
    return "-" if value is None else f"{value:,.0f} ms"


def count(number: int, one: str, several: str) -> str:
    """A number of something: '1 record', '2,000 records'."""
    return f"{number:,} {one if number == 1 else several}"


def short(ref: str) -> str:
    """A version without the model's name: 'v1' of 'flights:v1'."""
    return ref.rpartition(":")[2]


def route(event: Mapping[str, Any]) -> str:
    """From where to where a flight goes."""
    return f"{event['origin']} → {event['dest']}"


def push_back(event: Mapping[str, Any]) -> str:
    """How it left the gate, which is what the models go by most."""
    delay_min = event["dep_delay"]
    if delay_min == 0:
        return "on time"
    return f"{abs(delay_min):,} min {'late' if delay_min > 0 else 'early'}"


def arrival(late: bool | None) -> str:
    """What a label says, and what became of a flight: late is 15 minutes late or more."""
    return "-" if late is None else "late" if late else "on time"


def opinion(late: bool | None, chance: float | None) -> str:
    """An answer with its chance that the flight is late."""
    return f"{arrival(late)}{'' if chance is None else f' ({chance:.0%})'}"


def answer_of_example(text: str) -> str:
    """The same of a comparison's example, in which answers are JSON."""
    told = json.loads(text)
    chances = told.get("probabilities")
    return opinion(told.get("label"), chances[-1] if chances else None)
