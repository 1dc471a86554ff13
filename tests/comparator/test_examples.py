from __future__ import annotations

import json
from typing import Any

import pytest

from comparator.answers import Answer, absent
from comparator.examples import MAX_ITEMS, MAX_TEXT, ExamplesTaken, example_of, told
from understudy.deployments.plan import Lane

LANE = Lane("m:v", "shadow")
MISSING = absent(5, "missing", "m:v", 1, 9)


def answered(**fields: Any) -> Answer:
    return Answer(5, 6, 9, "answered", "m:v", 1, 77, "e5")._replace(**fields)


def test_so_many_of_each_kind_and_lane_are_taken() -> None:
    taken = ExamplesTaken(2)

    assert [taken.take(LANE, "mismatched") for _ in range(3)] == [True, True, False]
    assert taken.take(LANE, "missing")
    assert taken.take(Lane("m:w", "shadow"), "mismatched")
    assert taken.counts[LANE] == {"mismatched": 2, "missing": 1}


def test_an_example_says_when_and_what_both_sides_said() -> None:
    example = example_of("mismatched", answered(label="a"), answered(label="b", probabilities=[0.5, 0.5]))

    assert example[:4] == ("mismatched", 5, 77, "e5")
    assert json.loads(example.production or "") == {"label": "a"}
    assert json.loads(example.candidate or "") == {"label": "b", "probabilities": [0.5, 0.5]}


def test_where_one_side_said_nothing_the_other_ones_time_is_shown() -> None:
    assert example_of("unpaired_missing", answered(label=1), MISSING)[2:] == (77, "e5", '{"label": 1}', None)
    assert example_of("missing", None, MISSING)[2:] == (None, None, None, None)


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (answered(number=1.5), {"number": 1.5}),
        (answered(label="x" * 600), {"label": "x" * MAX_TEXT + "..."}),
        (answered(values=[1] * 40), {"values": [1] * MAX_ITEMS + ["..."]}),
        (answered(outcome="failed", error_kind="killed", error="no"), {"error_kind": "killed", "error": "no"}),
    ],
)
def test_answers_and_errors_are_told_briefly(found: Answer, shown: dict[str, object]) -> None:
    assert json.loads(told(found) or "") == shown
