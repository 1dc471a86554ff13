from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.models import MANIFEST, manifest_for

from understudy.models.outputs import Answer, Failure, WrongShape, reader_for


def read(raw: Any, count: int, **changes: Any) -> list[Answer | Failure]:
    return reader_for(manifest_for(b"", **changes))(raw, count)


def test_probabilities_name_the_most_probable_class() -> None:
    answers = read(np.array([[0.25, 0.75], [0.5, 0.5]], dtype=np.float32), 2, classes=("on time", "late"))

    assert answers == [Answer("late", [0.25, 0.75]), Answer("on time", [0.5, 0.5])]


@pytest.mark.parametrize("labels", [[True, False], [1, 0], [0.5, 1.0], ["late", "on time"]])
@pytest.mark.parametrize("dtype", [None, object])
def test_labels_are_plain_python(labels: list[Any], dtype: Any) -> None:
    array = np.array(labels) if dtype is None else np.array([np.asarray(label)[()] for label in labels], dtype=object)

    answers = read(array, 2, method="predict")

    assert answers == [Answer(label=label) for label in labels]
    assert [type(one.label) for one in answers if isinstance(one, Answer)] == [type(label) for label in labels]


def test_a_regressor_answers_with_numbers() -> None:
    regressor = {"kind": "regressor", "method": "predict", "classes": None}

    assert read(np.array([1, 2]), 2, **regressor) == [Answer(number=1.0), Answer(number=2.0)]
    assert read(np.array([[1.5], [2.5]]), 2, **regressor) == [Answer(number=1.5), Answer(number=2.5)]


def test_several_outputs_are_values() -> None:
    several = {"kind": "multi-output classifier", "method": "predict", "outputs": 2}

    answers = read(np.array([["a", 1], ["b", 0]], dtype=object), 2, **several)

    assert answers == [Answer(values=["a", 1]), Answer(values=["b", 0])]


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (np.array([[0.5, 0.5], [np.nan, np.nan]]), {}),
        (np.array([1.0, np.inf]), {"kind": "regressor", "method": "predict"}),
        (np.array([1.0, np.nan]), {"method": "predict"}),
        (np.array([[1.0, 1.0], [1.0, np.nan]]), {"kind": "multi-output regressor", "method": "predict", "outputs": 2}),
    ],
)
def test_what_is_not_finite_fails_alone(raw: Any, changes: dict[str, Any]) -> None:
    good, bad = read(raw, 2, **changes)

    assert isinstance(good, Answer)
    assert isinstance(bad, Failure)
    assert bad.kind == "not_finite"
    assert "nan" in bad.message or "inf" in bad.message


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "predict"},
        {"kind": "regressor", "method": "predict"},
        {"kind": "multi-output regressor", "method": "predict", "outputs": 2},
    ],
)
@pytest.mark.parametrize(
    "raw",
    [
        None,
        "text",
        np.zeros((2, 3)),
        np.zeros((3, 2)),
        np.zeros((0, 2)),
        np.zeros((2, 2, 2)),
        [[1.0], [1.0, 2.0]],
        [object(), object()],
    ],
)
def test_another_shape_is_an_error(raw: Any, changes: dict[str, Any]) -> None:
    with pytest.raises(WrongShape):
        read(raw, 2, **changes)


def test_the_classes_of_the_manifest_are_those_answered() -> None:
    assert read(np.array([[0.1, 0.9]]), 1) == [Answer(MANIFEST.classes[1] if MANIFEST.classes else None, [0.1, 0.9])]  # type: ignore[arg-type]  # one output
