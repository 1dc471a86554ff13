from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.statistics.sketch import RELATIVE_ERROR, Sketch, bucket_of, value_of

times_ns = st.lists(st.integers(0, 3_600_000_000_000), min_size=1)
shares = st.floats(0, 1)


def sketch_of(values: list[int]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(bucket_of(value))
    return sketch


@given(times_ns, shares)
def test_a_quantile_is_within_the_stated_error_of_the_value_at_its_rank(values: list[int], share: float) -> None:
    quantile = sketch_of(values).quantile(share)

    at_rank = sorted(values)[math.floor(share * (len(values) - 1))]
    assert quantile == pytest.approx(at_rank, rel=RELATIVE_ERROR * (1 + 1e-9), abs=0)


@given(times_ns, times_ns, times_ns)
def test_merging_is_taking_all_values_in_any_grouping_and_order(a: list[int], b: list[int], c: list[int]) -> None:
    left, right = sketch_of(a), sketch_of(c)
    left.merge(sketch_of(b).buckets)
    left.merge(sketch_of(c).buckets)
    right.merge(sketch_of(b).buckets)
    right.merge(sketch_of(a).buckets)

    assert left.buckets == right.buckets == sketch_of(a + b + c).buckets
    assert left.count == len(a) + len(b) + len(c)


@given(st.integers(1, 3_600_000_000_000))
def test_a_bucket_stands_for_all_that_falls_into_it(value: int) -> None:
    assert value_of(bucket_of(value)) == pytest.approx(value, rel=RELATIVE_ERROR * (1 + 1e-9))


def test_the_stored_format_stays_as_it_is() -> None:
    assert [bucket_of(value) for value in (0, 1, 2, 1_000, 1_000_000, 3_600_000_000_000)] == [
        -1, 0, 35, 346, 691, 1446,
    ]  # fmt: skip


def test_nothing_taken_has_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None
