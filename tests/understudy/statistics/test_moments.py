from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.statistics.moments import Differences

if TYPE_CHECKING:
    from collections.abc import Sequence

Pairs = list[tuple[int | None, bool]]
# Whole numbers, so that sums are exact and associativity can be asserted as equality.
pairs = st.lists(st.tuples(st.none() | st.integers(-1_000, 1_000), st.booleans()))


def taken(*groups: Sequence[tuple[int | None, bool]]) -> Differences:
    differences = Differences()
    for difference, mismatched in (pair for group in groups for pair in group):
        differences.add(difference, mismatched=mismatched)
    return differences


def merged(*each: Differences) -> Differences:
    into = Differences()
    for differences in each:
        into.merge(differences)
    return into


@given(pairs, pairs, pairs)
def test_merging_is_taking_all_pairs_in_any_grouping_and_order(a: Pairs, b: Pairs, c: Pairs) -> None:
    assert merged(taken(a), taken(b), taken(c)) == taken(a, b, c)
    assert merged(taken(c), merged(taken(b), taken(a))) == taken(a, b, c)


def test_says_how_far_apart_the_numbers_were() -> None:
    differences = taken([(3, True), (-1, False), (None, True)])

    assert (differences.count, differences.mismatched, differences.measured) == (3, 2, 2)
    assert differences.mean == pytest.approx(1.0)
    assert differences.mean_absolute == pytest.approx(2.0)
    assert differences.total_squared == pytest.approx(10.0)
    assert differences.max_absolute == pytest.approx(3.0)


def test_nothing_measured_has_no_mean() -> None:
    differences = taken([(None, True)])

    assert differences.mean is None
    assert differences.mean_absolute is None
