"""Where a run of the demo stands: one frozen value for the screen, the summary and the JSON file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from understudy.app.demo.figures import quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.app.demo.figures import Figures


@dataclass(frozen=True, slots=True)
class Lane:
    """One version. accuracy and differs are shares of 1; None while there is nothing to tell."""

    ref: str
    is_production: bool
    answered: int
    failed: int
    accuracy: float | None
    pairs: int = 0
    matched: int = 0
    mismatched: int = 0
    other: Mapping[str, int] | None = None
    model_p50_us: float | None = None
    model_p99_us: float | None = None
    examples: tuple[Mapping[str, Any], ...] = ()

    @property
    def differs(self) -> float | None:
        return self.mismatched / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """The run so far. missing, doubled: of the events written, and of the answers users could read."""

    elapsed_s: float
    produced: int
    answered: int
    missing: int
    doubled: int
    touched: int
    residual: int
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    production: Lane
    shadows: tuple[Lane, ...]
    latest: dict[str, Any] | None = None

    @property
    def rate_per_s(self) -> float:
        return self.answered / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every event is answered, and compared with every shadow."""
        return self.missing == 0 and all(lane.pairs == self.produced for lane in self.shadows)
