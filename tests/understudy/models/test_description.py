from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import IsolationForest, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from support.models import MANIFEST, fitted

from understudy.models.description import describe, frame_of, refuse_mismatch
from understudy.models.errors import BadModel, RefusedArtifact

X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)
TWO = np.column_stack([Y, 1 - Y])


@pytest.mark.parametrize(
    ("estimator", "target", "kind", "outputs", "method"),
    [
        (LogisticRegression(), Y, "classifier", 1, "predict_proba"),
        (make_pipeline(StandardScaler(), LogisticRegression()), Y, "classifier", 1, "predict_proba"),
        (GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2), Y, "classifier", 1, "predict_proba"),
        (CalibratedClassifierCV(cv=2), Y, "classifier", 1, "predict_proba"),
        (SVC(), Y, "classifier", 1, "predict"),
        (make_pipeline(StandardScaler(), SVC()), Y, "classifier", 1, "predict"),
        (FixedThresholdClassifier(LogisticRegression(), threshold=0.9), Y, "classifier", 1, "predict"),
        (IsolationForest(n_estimators=2), Y, "classifier", 1, "predict"),
        (Ridge(), X[:, 0], "regressor", 1, "predict"),
        (SVR(kernel="linear"), X[:, 0], "regressor", 1, "predict"),
        (TransformedTargetRegressor(Ridge()), X[:, 0], "regressor", 1, "predict"),
        (Ridge(), X, "multi-output regressor", 2, "predict"),
        (MLPRegressor(hidden_layer_sizes=(3,), max_iter=5000), X, "multi-output regressor", 2, "predict"),
        (RandomForestRegressor(2), X, "multi-output regressor", 2, "predict"),
        (MultiOutputRegressor(Ridge()), X, "multi-output regressor", 2, "predict"),
        (RegressorChain(Ridge()), X, "multi-output regressor", 2, "predict"),
        (TransformedTargetRegressor(Ridge()), X, "multi-output regressor", 2, "predict"),
        (MultiOutputClassifier(LogisticRegression()), TWO, "multi-output classifier", 2, "predict"),
        (RandomForestClassifier(2), TWO, "multi-output classifier", 2, "predict"),
        (ClassifierChain(LogisticRegression()), TWO, "multi-output classifier", 2, "predict"),
    ],
)
def test_what_users_have_is_recognised(estimator: Any, target: Any, kind: str, outputs: int, method: str) -> None:
    estimator.fit(X, target)

    for found in (describe(estimator), describe(estimator, sample=X[:3])):
        assert (found.kind, found.outputs, found.method) == (kind, outputs, method)


@pytest.mark.parametrize("labels", [[False, True], [0, 1], [0.0, 2.0], ["late", "on time"]])
def test_classes_are_plain_python(labels: list[Any]) -> None:
    classes = describe(LogisticRegression().fit(X, np.array(labels)[Y])).classes

    assert repr(classes) == repr(tuple(labels))


def test_each_output_has_its_classes() -> None:
    assert describe(RandomForestClassifier(2).fit(X, TWO)).classes == ((0, 1), (0, 1))


def test_what_cannot_be_served_is_refused_with_the_way_out() -> None:
    with pytest.raises(BadModel, match="not fitted"):
        describe(LogisticRegression())
    with pytest.raises(BadModel, match="no predict"):
        describe(StandardScaler().fit(X))
    with pytest.raises(BadModel, match="give kind"):
        describe(KMeans(2, n_init=1).fit(X))


def test_an_estimator_that_is_not_of_scikit_learn_needs_its_kind_told() -> None:
    class Own:
        def predict(self, matrix: Any) -> Any:
            return matrix[:, 0]

    with pytest.raises(BadModel, match="give kind"):
        describe(Own())
    found = describe(Own(), kind="regressor")
    assert (found.kind, found.method, found.classes) == ("regressor", "predict", None)
    with pytest.raises(BadModel, match="oracle"):
        describe(Own(), kind="oracle")  # type: ignore[arg-type]  # what a person may write


def test_a_model_fitted_on_a_data_frame_is_given_one() -> None:
    assert frame_of(LogisticRegression().fit(X, Y)) == "matrix"
    assert frame_of(LogisticRegression().fit(pd.DataFrame(X, columns=["a", "b"]), Y)) == "pandas"


def test_a_manifest_that_does_not_fit_the_model_is_refused() -> None:
    estimator = fitted()

    refuse_mismatch(MANIFEST, estimator)
    for wrong in (
        replace(MANIFEST, classes=(0, 1, 2)),
        replace(MANIFEST, columns=MANIFEST.columns[:1]),
        replace(MANIFEST, method="predict_log_odds"),  # type: ignore[arg-type]  # a manifest that lies
    ):
        with pytest.raises(RefusedArtifact, match="delays:v1"):
            refuse_mismatch(wrong, estimator)


def test_columns_that_the_model_was_not_fitted_on_are_refused() -> None:
    manifest = replace(MANIFEST, frame="pandas")
    names = [column.name for column in MANIFEST.columns]
    knowing = LogisticRegression().fit(pd.DataFrame(X, columns=names), Y)

    refuse_mismatch(manifest, knowing)
    with pytest.raises(RefusedArtifact, match="fitted on x, y, and does not know the columns"):
        refuse_mismatch(manifest, LogisticRegression().fit(pd.DataFrame(X, columns=["x", "y"]), Y))
