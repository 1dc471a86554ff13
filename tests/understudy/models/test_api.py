from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from support.models import fitted

from schemas.errors import InvalidSchema
from understudy.models import Answer, BadModel, Manifest, RefusedArtifact, Registry, register, register_file
from understudy.models.columns import events_from_example

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ["a", "b", "c"]
X = np.random.default_rng(0).normal(size=(80, 3))
POSITIVE = X[:, 0] > 0
FRAME = pd.DataFrame(
    {
        "a": np.where(X[:, 0] > 2, np.nan, X[:, 0]),
        "n": np.arange(80),
        "b": POSITIVE,
        "s": ["JFK", "LGA", None, "EWR"] * 20,
        "k": pd.Categorical(["x", "y"] * 40),
        "not asked for": [object()] * 80,
    }
)
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "a", "type": ["null", "double"]},
        {"name": "n", "type": "int"},
        {"name": "b", "type": "boolean"},
        {"name": "s", "type": ["null", "string"]},
        {"name": "k", "type": {"type": "enum", "name": "K", "symbols": ["x", "y"]}},
    ],
}


def one_hot(*names: str) -> Any:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("numbers", numbers, ["a", "n", "b"]), ("texts", texts, list(names))])


def answers_of(registry: Path, manifest: Manifest, events: list[dict[str, object]]) -> list[Answer]:
    results = Registry(registry).load(manifest.ref).score(events).results
    return [result for result in results if isinstance(result, Answer)]


@pytest.mark.parametrize(
    ("estimator", "target"),
    [
        (LogisticRegression(), np.where(POSITIVE, "late", "on time")),
        (LogisticRegression(), POSITIVE),
        (LogisticRegression(), POSITIVE.astype(int)),
        (LogisticRegression(), POSITIVE * 2.0),
        (RandomForestClassifier(3, random_state=0), POSITIVE),
        (HistGradientBoostingClassifier(max_iter=3), POSITIVE),
        (SVC(), np.where(POSITIVE, "late", "on time")),
        (MultiOutputClassifier(LogisticRegression()), np.column_stack([POSITIVE, ~POSITIVE])),
        (Ridge(), X[:, 0]),
        (HistGradientBoostingRegressor(max_iter=3), X[:, 0]),
        (MultiOutputRegressor(Ridge()), X[:, :2]),
    ],
)
def test_a_model_of_a_matrix_answers_as_it_did_when_it_was_fitted(tmp_path: Path, estimator: Any, target: Any) -> None:
    estimator.fit(X, target)

    manifest = register(estimator, "delays:v1", registry=tmp_path, example=X, columns=NAMES)

    wanted = estimator.predict(X).tolist()
    answers = answers_of(tmp_path, manifest, [dict(zip(NAMES, row, strict=True)) for row in X.tolist()])
    if "multi-output" in manifest.kind:
        assert [one.values for one in answers] == [pytest.approx(row) for row in wanted]  # noqa: PD011 - not pandas
    elif manifest.kind == "regressor":
        assert [one.number for one in answers] == pytest.approx(wanted)
    else:
        assert [(type(one.label), one.label) for one in answers] == [(type(label), label) for label in wanted]
    assert [one.probabilities is not None for one in answers] == [manifest.method == "predict_proba"] * len(X)


@pytest.mark.parametrize(
    ("estimator", "names"),
    [
        (make_pipeline(one_hot("s"), LogisticRegression(max_iter=1000)), ["a", "n", "b", "s"]),
        (make_pipeline(one_hot("s", "k"), LogisticRegression(max_iter=1000)), ["k", "s", "b", "n", "a"]),
        (HistGradientBoostingClassifier(max_iter=3), ["a", "n", "k"]),
    ],
)
@pytest.mark.parametrize("with_schema", [False, True])
@pytest.mark.parametrize("texts_as", ["str", "object"])
def test_a_pipeline_by_column_names_answers_as_it_did(
    tmp_path: Path, estimator: Any, names: list[str], with_schema: bool, texts_as: Any
) -> None:
    frame = FRAME.assign(s=FRAME.s.astype(texts_as))[names]
    estimator.fit(frame, POSITIVE)

    manifest = register(
        estimator, "delays:v1", registry=tmp_path, example=frame, schema=SCHEMA if with_schema else None
    )

    answers = answers_of(tmp_path, manifest, events_from_example(frame, manifest.columns, len(frame)))
    assert manifest.frame == "pandas"
    assert [column.name for column in manifest.columns] == names
    assert (manifest.schema_fingerprint is not None) is with_schema
    wanted = estimator.predict_proba(frame).tolist()
    assert [one.probabilities for one in answers] == [pytest.approx(row) for row in wanted]


def test_strings_in_a_matrix(tmp_path: Path) -> None:
    matrix = np.array([["JFK", "x"], ["LGA", None]] * 20, dtype=object)
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression()).fit(matrix, [0, 1] * 20)

    manifest = register(model, "delays:v1", registry=tmp_path, example=matrix, columns=["origin", "gate"])

    events: list[dict[str, object]] = [{"origin": "JFK", "gate": "x"}, {"origin": "LGA", "gate": None}]
    assert [one.label for one in answers_of(tmp_path, manifest, events)] == [0, 1]


def test_a_schema_alone_says_enough(tmp_path: Path) -> None:
    path = tmp_path / "event.avsc"
    path.write_text(json.dumps(SCHEMA))
    model = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=1000))
    model.fit(FRAME[["a", "n"]].to_numpy(), POSITIVE)

    manifest = register(model, "delays:v1", registry=tmp_path / "models", schema=path, columns=["a", "n"])

    assert [(one.name, one.type, one.nullable) for one in manifest.columns] == [
        ("a", "float", True),
        ("n", "int", False),
    ]
    assert len(answers_of(tmp_path / "models", manifest, [{"a": None, "n": 3}])) == 1


def test_what_people_want_to_know_is_in_the_manifest(tmp_path: Path) -> None:
    manifest = register(
        fitted(), "delays:v1", registry=tmp_path, columns=["a:float", "b:float"], metrics={"auc": 0.9}, created_by="ada"
    )

    assert Registry(tmp_path).manifest("delays:v1") == manifest
    assert (manifest.metrics, manifest.created_by, manifest.classes) == ({"auc": 0.9}, "ada", (0, 1))
    assert set(manifest.libraries) == {"python", "scikit-learn", "numpy", "skops"}
    assert manifest.created_at.endswith("+00:00")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "example=, schema= or columns="),
        ({"columns": ["a:float"]}, "takes 2 columns, and 1 are declared"),
        ({"columns": ["a:number", "b:float"]}, "write name:type"),
        ({"example": X}, "name of each of its columns"),
        ({"schema": SCHEMA, "columns": ["a", "missing"]}, "no field missing"),
        ({"schema": "nowhere.avsc"}, "nowhere.avsc"),
        ({"example": X, "columns": ["a", "b"], "frame": "pandas"}, "name of each of its columns"),
    ],
)
def test_a_model_whose_inputs_are_not_clear_is_not_registered(
    tmp_path: Path, given: dict[str, Any], named: str
) -> None:
    with pytest.raises((BadModel, RefusedArtifact, InvalidSchema), match=named):
        register(fitted(), "delays:v1", registry=tmp_path / "models", **given)
    assert not (tmp_path / "models").exists()


def test_a_model_that_cannot_answer_its_example_is_not_registered(tmp_path: Path) -> None:
    example = np.array([[1.0, 2.0], [math.nan, 2.0]])

    with pytest.raises(BadModel, match=r"cannot answer the example.*NaN"):
        register(fitted(), "delays:v1", registry=tmp_path / "models", example=example, columns=["a", "b"])


def test_a_function_of_a_script_is_refused_with_the_way_out(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(lambda matrix: matrix), LogisticRegression()).fit(X, POSITIVE)

    with pytest.raises(RefusedArtifact, match="move it into a module"):
        register(model, "delays:v1", registry=tmp_path, example=X, columns=NAMES)


def test_a_file_is_registered_with_its_columns(tmp_path: Path) -> None:
    skops.io.dump(fitted(), tmp_path / "model.skops")

    manifest = register_file(
        tmp_path / "model.skops", "delays:v1", registry=tmp_path / "models", columns=["a:float", "b:float"]
    )

    assert [one.label for one in answers_of(tmp_path / "models", manifest, [{"a": 3.0, "b": 0.0}])] == [1]


def test_trees_in_a_file_need_trust(tmp_path: Path) -> None:
    skops.io.dump(RandomForestClassifier(2).fit(X, POSITIVE), tmp_path / "model.skops")
    columns = [f"{name}:float" for name in NAMES]

    with pytest.raises(RefusedArtifact, match=r"sklearn\.tree\._tree\.Tree"):
        register_file(tmp_path / "model.skops", "delays:v1", registry=tmp_path / "models", columns=columns)

    trusted = ["sklearn.tree._tree.Tree"]
    manifest = register_file(
        tmp_path / "model.skops", "delays:v1", registry=tmp_path / "models", columns=columns, trusted=trusted
    )
    assert manifest.skops_types == tuple(trusted)


@pytest.mark.parametrize("content", [None, b"", b"\x80\x04K\x01.", b"PK\x03\x04"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.skops"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises((BadModel, RefusedArtifact)):
        register_file(path, "delays:v1", registry=tmp_path / "models", columns=["a:float"])
