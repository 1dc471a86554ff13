from __future__ import annotations

from typing import Any

import pytest

from comparator.answers import Answer, absent
from comparator.judging import EXACT, FieldDifference, Tolerance, Tolerances, judge


def said(**fields: Any) -> Answer:
    return Answer(5, 6, 9, "answered", "m:v", 1, 77)._replace(**fields)


FAILED = said(outcome="failed", error_kind="model_raised")


@pytest.mark.parametrize(
    ("production", "candidate", "kind"),
    [
        (said(label="a"), said(label="a"), "matched"),
        (said(label="a"), said(label="b"), "mismatched"),
        (said(label=True), said(label="True"), "mismatched"),
        (said(label=1), said(number=1.0), "mismatched"),
        (FAILED, said(label=1), "failed_production"),
        (said(label=1), FAILED, "failed_candidate"),
        (FAILED, FAILED, "failed_both"),
        (said(label=1), said(outcome="withdrawn"), "unpaired_withdrawn"),
        (said(label=1), said(outcome="expired"), "unpaired_expired"),
        (FAILED, absent(5, "missing", "m:v", 1, 9), "unpaired_missing"),
        (absent(5, "missing", "m:p", 1, 9), said(label=1), "unpaired_production_missing"),
        (absent(5, "unrouted", "", 1, 9), FAILED, "unpaired_production_unrouted"),
        (said(label=1, reclaimed=True), said(label=1), "unpaired_production_withdrawn"),
        (said(label=1), said(label=1, reclaimed=True), "unpaired_withdrawn"),
        (FAILED, FAILED._replace(reclaimed=True), "unpaired_withdrawn"),
        (absent(5, "canary", "", 1, 9), said(label=1), "unpaired_canary"),
        (absent(5, "canary", "", 1, 9), said(outcome="withdrawn"), "unpaired_withdrawn"),
    ],
)
def test_every_pair_has_one_kind(production: Answer, candidate: Answer, kind: str) -> None:
    assert judge(production, candidate, EXACT).kind == kind


@pytest.mark.parametrize(
    ("tolerance", "candidate", "matched"),
    [
        (None, 100.0, True),
        (None, 100.00000000001, True),
        (None, 100.001, False),
        (Tolerance(absolute=0.5), 100.5, True),
        (Tolerance(absolute=0.5), 99.4, False),
        (Tolerance(relative=0.01), 101.0, True),
        (Tolerance(relative=0.01), 101.1, False),
        (Tolerance(absolute=0.5, relative=0.01), 101.5, True),
        (Tolerance(absolute=1.0), float("nan"), False),
        (Tolerance(absolute=1.0), float("inf"), False),
    ],
)
def test_numbers_are_equal_within_their_tolerance(tolerance: Tolerance | None, candidate: float, matched: bool) -> None:
    tolerances = Tolerances({} if tolerance is None else {"number": tolerance})

    judgement = judge(said(number=100.0), said(number=candidate), tolerances)

    assert (judgement.kind == "matched") is matched
    assert judgement.differences[0].mismatched is not matched


def test_two_infinities_are_equal_but_have_no_difference() -> None:
    judgement = judge(said(number=float("inf")), said(number=float("inf")), EXACT)

    assert judgement == ("matched", (FieldDifference("number", None, mismatched=False),))


def test_probabilities_are_reported_and_decide_only_with_a_tolerance() -> None:
    pair = said(label=1, probabilities=[0.4, 0.6]), said(label=1, probabilities=[0.3, 0.7])

    reported = judge(*pair, EXACT)
    decided = judge(*pair, Tolerances({"probabilities": Tolerance(absolute=0.05)}))

    assert (reported.kind, decided.kind) == ("matched", "mismatched")
    name, difference, mismatched = reported.differences[0]
    assert (name, mismatched) == ("probabilities", True)
    assert difference == pytest.approx(0.1), "the positive class's"


def test_the_class_that_differs_most_stands_for_all() -> None:
    judgement = judge(said(probabilities=[0.1, 0.2, 0.7]), said(probabilities=[0.5, 0.1, 0.4]), EXACT)

    assert judgement.differences[0].difference == pytest.approx(0.4)


@pytest.mark.parametrize("other", [None, [], [1.0]])
def test_other_classes_cannot_be_compared(other: list[float] | None) -> None:
    judgement = judge(said(probabilities=[0.1, 0.9]), said(probabilities=other), EXACT)

    assert judgement == ("matched", (FieldDifference("probabilities", None, mismatched=True),))


def test_outputs_are_compared_one_by_one() -> None:
    tolerances = Tolerances({"values": Tolerance(absolute=1.0), "values[1]": Tolerance(absolute=0.1)})

    judgement = judge(said(values=[1.0, 2, "a", None]), said(values=[1.5, 2.5, "a", True]), tolerances)

    assert judgement.kind == "mismatched"
    assert judgement.differences == (
        FieldDifference("values[0]", 0.5, mismatched=False),
        FieldDifference("values[1]", 0.5, mismatched=True),
        FieldDifference("values[2]", None, mismatched=False),
        FieldDifference("values[3]", None, mismatched=True),
    )


def test_another_number_of_outputs_is_a_mismatch() -> None:
    assert judge(said(values=[1.0]), said(values=[1.0, 2.0]), EXACT).kind == "mismatched"


def test_of_very_many_outputs_the_later_ones_share_their_statistics() -> None:
    judgement = judge(said(values=[1.0] * 100), said(values=[1.0] * 99 + [2.0]), EXACT)

    assert judgement.kind == "mismatched"
    assert len({each.name for each in judgement.differences}) == 17
