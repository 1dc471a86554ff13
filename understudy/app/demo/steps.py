"""What an act of the demo is made of: commands that a person would give, waits, a fault, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.demo.orders import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from understudy.app.demo.course import Course

    Evidence = Callable[[Course], Iterator[RenderableType]]


@dataclass(frozen=True, slots=True)
class Watch:
    """Until users have as many answers under the plan, in windows (see `Pacing`), and its candidate's are compared."""

    windows: float


@dataclass(frozen=True, slots=True)
class Kill:
    """Ends the worker of a candidate, and waits until some of its answers are owed."""

    version: str


@dataclass(frozen=True, slots=True)
class Settle:
    """Until every flight is answered that was written before now."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Puts evidence on the screen."""

    evidence: Evidence


Step = Command | Watch | Kill | Settle | Tell


@dataclass(frozen=True, slots=True)
class Act:
    """A part of the story."""

    title: str
    steps: tuple[Step, ...]
