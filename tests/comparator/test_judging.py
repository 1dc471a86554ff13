from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from comparator.answers import Answer
from comparator.judging import FieldDifference, Tolerances, judge

if TYPE_CHECKING:
    from collections.abc import Sequence


def answered(probabilities: Sequence[float]) -> Answer:
    return Answer(0, 1, 0, "answered", "flights:v1", 1, 0, label=True, probabilities=probabilities)


def difference(production: Sequence[float], candidate: Sequence[float]) -> FieldDifference:
    (found,) = judge(answered(production), answered(candidate), Tolerances()).differences
    return found


@pytest.mark.parametrize("late", [0.1, 0.3, 0.7, 0.9])
def test_the_difference_of_two_probabilities_is_that_of_the_positive_class_however_the_other_one_was_rounded(
    late: float,
) -> None:
    for rounding in (-1e-16, 0.0, 1e-16):
        found = difference([1 - late, late], [1 - late - 0.05 + rounding, late + 0.05])

        assert found.difference == pytest.approx(0.05)


def test_of_several_probabilities_the_one_that_differs_most_stands_for_all() -> None:
    assert difference([0.2, 0.3, 0.5], [0.25, 0.5, 0.25]).difference == -0.25
