"""Any interleaving of visibility, lost commits, restarts, dead and lagging lanes counts what a simple join counts."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.comparing import counts_of
from support.comparison_model import expected
from support.comparison_story import Story

from comparator.ledger import ledger


def told(seed: int, turns: int, *, faults: float, max_lag: int) -> Story:
    story = Story(Random(seed), faults=faults, max_lag=max_lag)
    for _ in range(turns):
        story.turn()
    story.finish()
    return story


@pytest.mark.parametrize("max_lag", [2, 12, 1_000])
@given(st.integers(0, 2**32), st.integers(10, 200))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_a_simple_join(max_lag: int, seed: int, turns: int) -> None:
    story = told(seed, turns, faults=0.0, max_lag=max_lag)

    assert {lane: counts_of(story.world.rows, lane) for lane in expected(story.world)} == expected(story.world)
    assert ledger(story.world.rows).residual == 0


@pytest.mark.parametrize("max_lag", [2, 12, 1_000])
@given(st.integers(0, 2**32), st.integers(10, 200))
@settings(max_examples=40, deadline=None)
def test_missing_doubled_and_stray_answers_are_counted_as_such(max_lag: int, seed: int, turns: int) -> None:
    story = told(seed, turns, faults=0.1, max_lag=max_lag)

    assert {lane: counts_of(story.world.rows, lane) for lane in expected(story.world)} == expected(story.world)
