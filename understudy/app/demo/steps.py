"""What an act of the demo is made of: commands that a person would give, waits, a fault, and what is told of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.releasing.orders import Order, ppm_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from understudy.app.demo.course import Course
    from understudy.app.releasing.orders import Strategy
    from understudy.app.releasing.releases import Released, Releases

    Evidence = Callable[[Course], Iterator[RenderableType]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and the same through Python. strategy: of a deployment. share: of a canary, in per cent."""

    words: str
    version: str
    carry_out: Callable[[Releases], Released]
    strategy: Strategy | None = None
    share: str | None = None


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


def deploy(version: str, strategy: Strategy, share: str | None = None) -> Command:
    """`understudy deploy`."""
    order = Order(version, strategy, None if share is None else ppm_of(share))
    words = f"understudy deploy {version} --strategy {strategy}" + (f" --share {share}" if share else "")
    return Command(words, version, lambda releases: releases.deploy(order), strategy, share)


def promote(version: str) -> Command:
    """`understudy promote`."""
    return Command(f"understudy promote {version}", version, lambda releases: releases.promote(version))


def rollback(version: str) -> Command:
    """`understudy rollback`."""
    return Command(f"understudy rollback {version}", version, lambda releases: releases.rollback(version))
