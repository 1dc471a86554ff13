"""Compares what two versions answered to one record. Pure.

As in github/scientist: what was observed is a value or an error, recorded first and judged here. A pair is matched,
mismatched, failed on one side or both, or unpaired for a stated reason. What another version answered in place of a
withdrawn one is no evidence for or against either, and so unpaired.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comparator.answers import Answer, Scalar

BINARY: Final = 2
"""Classes of a binary classifier."""

MAX_INDEXED_VALUES: Final = 16
"""Of a multi-output answer, so many outputs have statistics of their own; the others share one."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Numbers count as equal within absolute + relative x the magnitude of production's."""

    absolute: float = 0.0
    relative: float = 0.0

    def covers(self, production: float, difference: float) -> bool:
        return abs(difference) <= self.absolute + self.relative * abs(production)


ROUNDING: Final = Tolerance(absolute=1e-12, relative=1e-9)
"""What numbers may differ by when nothing is configured: the same sum in another order, not another answer."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """Per field: `number`, `probabilities`, `values`, or one output of several, as `values[0]`.

    A mismatch of `number` or `values` makes the pair mismatched, with `ROUNDING` where nothing is configured; one of
    `probabilities` does so only with a tolerance configured. Labels are compared for equality.
    """

    configured: Mapping[str, Tolerance] = field(default_factory=dict)

    def of(self, name: str, group: str | None = None) -> Tolerance:
        """The tolerance of a field, or of the group that it belongs to."""
        tolerance = self.configured.get(name)
        if tolerance is None and group is not None:
            tolerance = self.configured.get(group)
        return ROUNDING if tolerance is None else tolerance


EXACT: Final = Tolerances()
"""Nothing configured."""


class FieldDifference(NamedTuple):
    """One field of a pair. difference: candidate minus production; None where there is no finite one."""

    name: str
    difference: float | None
    mismatched: bool


class Judgement(NamedTuple):
    """The pair's kind, as the comparison rows count it, and the numeric fields that were compared."""

    kind: str
    differences: tuple[FieldDifference, ...] = ()


FAILED_BOTH: Final = Judgement("failed_both")
FAILED_PRODUCTION: Final = Judgement("failed_production")
FAILED_CANDIDATE: Final = Judgement("failed_candidate")


def judge(production: Answer, candidate: Answer, tolerances: Tolerances) -> Judgement:
    """Compare the answers to one record."""
    if reason := _unpaired(production, candidate):
        return Judgement(f"unpaired_{reason}")
    if production.outcome == "failed":
        return FAILED_BOTH if candidate.outcome == "failed" else FAILED_PRODUCTION
    if candidate.outcome == "failed":
        return FAILED_CANDIDATE
    return _compared(production, candidate, tolerances)


_TOLD: Final = frozenset({"answered", "failed"})


def _unpaired(production: Answer, candidate: Answer) -> str:
    """Why there is no pair; nothing where there is one."""
    if candidate.outcome not in _TOLD:
        return candidate.outcome
    if candidate.reclaimed:
        return "withdrawn"
    if production.outcome == "canary":
        return "canary"
    if production.outcome not in _TOLD:
        return f"production_{production.outcome}"
    return "production_withdrawn" if production.reclaimed else ""


def _compared(production: Answer, candidate: Answer, tolerances: Tolerances) -> Judgement:
    differences: tuple[FieldDifference, ...] = ()
    matched = production.label == candidate.label
    if production.number is not None or candidate.number is not None:
        number = _number(production.number, candidate.number, tolerances)
        differences = (number,)
        matched = matched and not number.mismatched
    if production.probabilities is not None or candidate.probabilities is not None:
        probabilities = _probabilities(production.probabilities, candidate.probabilities, tolerances)
        differences = (*differences, probabilities)
        matched = matched and not (probabilities.mismatched and "probabilities" in tolerances.configured)
    if production.values is not None or candidate.values is not None:
        several = _several(production.values, candidate.values, tolerances)
        differences = (*differences, *several)
        matched = matched and not any(each.mismatched for each in several)
    return Judgement("matched" if matched else "mismatched", differences)


def _number(production: float | None, candidate: float | None, tolerances: Tolerances) -> FieldDifference:
    if production is None or candidate is None:
        return FieldDifference("number", None, mismatched=True)
    return _between("number", production, candidate, tolerances.of("number"))


def _between(name: str, production: float, candidate: float, tolerance: Tolerance) -> FieldDifference:
    difference = candidate - production
    if not math.isfinite(difference):
        return FieldDifference(name, None, mismatched=production != candidate)
    return FieldDifference(name, difference, not tolerance.covers(production, difference))


def _probabilities(
    production: Sequence[float] | None, candidate: Sequence[float] | None, tolerances: Tolerances
) -> FieldDifference:
    """The class whose probability differs most stands for all; of two classes the later, which is the positive one.

    Two classes differ by the same amount, and rounding must not decide whose sign counts.
    """
    name = "probabilities"
    if production is None or candidate is None or len(production) != len(candidate):
        return FieldDifference(name, None, mismatched=True)
    at = 1 if len(production) == BINARY else _differing_most(production, candidate)
    if at is None:
        return FieldDifference(name, None, mismatched=bool(production))
    return _between(name, production[at], candidate[at], tolerances.of(name))


def _differing_most(production: Sequence[float], candidate: Sequence[float]) -> int | None:
    """The class whose probability differs most, the later of two equal ones; None where none can be told."""
    most, at = 0.0, None
    for i, (left, right) in enumerate(zip(production, candidate, strict=True)):
        magnitude = abs(right - left)
        if magnitude >= most:
            most, at = magnitude, i
    return at


def _several(
    production: Sequence[Scalar] | None, candidate: Sequence[Scalar] | None, tolerances: Tolerances
) -> list[FieldDifference]:
    if production is None or candidate is None or len(production) != len(candidate):
        return [FieldDifference("values", None, mismatched=True)]
    pairs = enumerate(zip(production, candidate, strict=True))
    return [_output(i, left, right, tolerances) for i, (left, right) in pairs]


def _output(i: int, production: Scalar, candidate: Scalar, tolerances: Tolerances) -> FieldDifference:
    name = f"values[{i}]" if i < MAX_INDEXED_VALUES else "values[...]"
    if _is_number(production) and _is_number(candidate):
        return _between(name, float(production), float(candidate), tolerances.of(f"values[{i}]", "values"))
    return FieldDifference(name, None, mismatched=production != candidate)


def _is_number(value: Scalar) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
