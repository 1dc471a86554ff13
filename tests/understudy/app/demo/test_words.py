from __future__ import annotations

import pytest

from understudy.app.demo import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "-"),
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.1923, "19.2%"),
        (0.0003, "0.03%"),
        (0.9997, "99.97%"),
        (0.99, "99.0%"),
        (0.01, "1.0%"),
    ],
)
def test_a_share_keeps_its_digits_where_they_matter(value: float | None, said: str) -> None:
    assert words.share(value) == said


def test_times_carry_their_unit_and_what_was_not_measured_is_a_dash() -> None:
    assert words.milliseconds(1_234.4) == "1,234 ms"
    assert words.milliseconds(None) == "-"


def test_one_of_something_is_not_several() -> None:
    assert words.count(1, "flight", "flights") == "1 flight"
    assert words.count(30_000, "flight", "flights") == "30,000 flights"


def test_a_version_is_short_beside_others_of_its_model() -> None:
    assert words.short("flights:v3_hours") == "v3_hours"


@pytest.mark.parametrize(("minutes", "said"), [(104, "104 min late"), (-6, "6 min early"), (0, "on time")])
def test_how_a_flight_left_its_gate(minutes: int, said: str) -> None:
    assert words.push_back({"dep_delay": minutes}) == said


def test_where_a_flight_goes() -> None:
    assert words.route({"origin": "EWR", "dest": "ORD"}) == "EWR → ORD"


@pytest.mark.parametrize(("late", "said"), [(True, "late"), (False, "on time"), (None, "-")])
def test_what_became_of_a_flight(late: bool | None, said: str) -> None:
    assert words.arrival(late) == said


def test_a_part_of_nothing_is_not_known() -> None:
    assert words.part(1, 4) == "25.0%"
    assert words.part(0, 0) == "-"


def test_an_answer_says_how_likely_the_flight_is_to_be_late() -> None:
    assert words.opinion(late=True, chance=0.94) == "late (94%)"
    assert words.opinion(late=False, chance=None) == "on time"
    assert words.opinion(late=None, chance=None) == "-"
    assert words.answer_of_example('{"label": false, "probabilities": [0.7, 0.3]}') == "on time (30%)"
