"""The commands of the demo: as a person would type them, and as they are carried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from understudy.app.releasing.orders import Order, ppm_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.releasing.orders import Strategy
    from understudy.app.releasing.releases import Released, Releases


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, and the same through Python. strategy: of a deployment. share: of a canary, in per cent."""

    words: str
    version: str
    carry_out: Callable[[Releases], Released]
    strategy: Strategy | None = None
    share: str | None = None


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
