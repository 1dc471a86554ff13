from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from support.models import MANIFEST, fitted

from understudy.models.errors import BadModel
from understudy.models.trial import tried

SAMPLE = np.array([[-3.0, 0.0], [3.0, 0.0], [0.5, 1.0]])
EVENTS: list[dict[str, object]] = [{"a": a, "b": b} for a, b in SAMPLE.tolist()]


def test_a_model_that_answers_as_it_did_is_registered_as_described() -> None:
    assert tried(MANIFEST, fitted(), EVENTS, SAMPLE) == MANIFEST


def test_where_the_most_probable_class_is_not_what_predict_says_predict_is_asked() -> None:
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.999, response_method="predict_proba")
    model.fit(np.array([[-2.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [2.0, 1.0]]), [0, 0, 1, 1])

    assert tried(MANIFEST, model, EVENTS, SAMPLE).method == "predict"


def test_an_example_that_the_model_cannot_answer_is_refused_with_the_row() -> None:
    events: list[dict[str, object]] = [*EVENTS[:1], {"a": None, "b": 1.0}, EVENTS[2]]

    with pytest.raises(BadModel, match="row 1 of the example: invalid: field 'a' is null"):
        tried(MANIFEST, fitted(), events, SAMPLE)


def test_columns_in_another_order_than_the_model_was_fitted_on_are_noticed() -> None:
    swapped = replace(MANIFEST, columns=MANIFEST.columns[::-1])
    events: list[dict[str, object]] = [{"a": 3.0, "b": -9.0}, {"a": -3.0, "b": 9.0}, {"a": 1.0, "b": -1.0}]

    with pytest.raises(BadModel, match="differently"):
        tried(swapped, fitted(), events, np.array([[3.0, -9.0], [-3.0, 9.0], [1.0, -1.0]]))


def test_numbers_may_differ_by_rounding_and_no_more() -> None:
    class Drifting:
        """Answers a little differently each time."""

        def __init__(self, by: float) -> None:
            self.by = by
            self.calls = 0

        def predict(self, matrix: Any) -> Any:
            self.calls += 1
            return matrix[:, 0] * (1 + self.calls * self.by)

    regressor = replace(MANIFEST, kind="regressor", method="predict", classes=None)

    assert tried(regressor, Drifting(1e-13), EVENTS, SAMPLE) == regressor
    with pytest.raises(BadModel, match="row 0"):
        tried(regressor, Drifting(1e-3), EVENTS, SAMPLE)
