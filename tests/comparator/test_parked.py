from __future__ import annotations

import json

import pytest

from comparator.answers import absent
from comparator.parked import Parked


@pytest.fixture
def parked() -> Parked:
    return Parked(
        frontier=7, owed=3, revision=2, opinions_to=9, counted_to=30, answered_to=7, awake=False, anchors={"routes": 5}
    )


def test_it_fits_into_a_note_and_out_again(parked: Parked) -> None:
    assert Parked.of_json(json.loads(json.dumps(parked.to_json()))) == parked


def test_its_first_new_answer_wakes_it_and_says_where_to_read_on(parked: Parked) -> None:
    for at in (7, 8):
        parked.hear("shadow_predictions", absent(at, "answered", "m:s", 2, 30 + at))

    assert parked.awake
    assert parked.answered_to == 9
    assert parked.anchors == {"routes": 5, "shadow_predictions": 37}


def test_what_is_not_its_form_is_refused() -> None:
    with pytest.raises(ValueError, match="values"):
        Parked.of_json([1, 2])
