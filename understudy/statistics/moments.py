"""What is known about the difference between two numbers that were observed together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Differences:
    """Sums over pairs of (candidate minus production), in the numbers' own unit.

    Additive: merging is commutative and, up to rounding, associative, and an empty one changes nothing.
    count: pairs whose field was compared. mismatched: of these, beyond the tolerance. measured: of these, those whose
    difference is a finite number and stands in the sums.
    """

    count: int = 0
    mismatched: int = 0
    measured: int = 0
    total: float = 0.0
    total_squared: float = 0.0
    total_absolute: float = 0.0
    max_absolute: float = 0.0

    def add(self, difference: float | None, *, mismatched: bool) -> None:
        """Take one pair. difference: finite; None where the two cannot be subtracted."""
        self.count += 1
        if mismatched:
            self.mismatched += 1
        if difference is None:
            return
        self.measured += 1
        magnitude = abs(difference)
        self.total += difference
        self.total_squared += difference * difference
        self.total_absolute += magnitude
        self.max_absolute = max(self.max_absolute, magnitude)

    def merge(self, other: Differences) -> None:
        """Take all that the other one has taken."""
        self.count += other.count
        self.mismatched += other.mismatched
        self.measured += other.measured
        self.total += other.total
        self.total_squared += other.total_squared
        self.total_absolute += other.total_absolute
        self.max_absolute = max(self.max_absolute, other.max_absolute)

    @property
    def mean(self) -> float | None:
        """Mean difference; None where nothing was measured."""
        return self.total / self.measured if self.measured else None

    @property
    def mean_absolute(self) -> float | None:
        """Mean magnitude of the difference; None where nothing was measured."""
        return self.total_absolute / self.measured if self.measured else None
