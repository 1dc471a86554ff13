"""From what predict or predict_proba returned to plain Python answers, one per row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.models.manifest import Label, Manifest

FailureKind = Literal["undecodable", "invalid", "model_raised", "wrong_shape", "not_finite", "killed", "expired"]
PLAIN: Final = (bool, int, float, str)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answers for one record, in plain Python values.

    label and probabilities (in the order of the manifest's classes; None where the model has none): a classifier.
    number: a regressor. values: a multi-output model, one per output.
    """

    label: Label | None = None
    probabilities: Sequence[float] | None = None
    number: float | None = None
    values: Sequence[Label] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record has no answer."""

    kind: FailureKind
    message: str


class WrongShape(Exception):
    """The model returned something else than one answer per row."""


def reader_for(manifest: Manifest) -> Callable[[Any, int], list[Answer | Failure]]:
    """A function of (what the model returned, rows given) to one result per row. It raises WrongShape."""
    if manifest.method == "predict_proba":
        classes = manifest.classes or ()
        return lambda raw, count: _probabilities(raw, count, classes)  # type: ignore[arg-type]  # one output
    if manifest.kind == "classifier":
        return _labels
    if manifest.kind == "regressor":
        return _numbers
    return lambda raw, count: _values(raw, count, manifest.outputs)


def _probabilities(raw: Any, count: int, classes: Sequence[Label]) -> list[Answer | Failure]:
    matrix = _shaped(_numeric(raw), (count, len(classes)))
    rows: list[list[float]] = matrix.tolist()
    best: list[int] = matrix.argmax(axis=1).tolist()
    answers: list[Answer | Failure] = [Answer(classes[top], row) for top, row in zip(best, rows, strict=True)]
    for row in _not_finite(matrix):
        answers[row] = Failure("not_finite", f"the model's probabilities are {rows[row]}")
    return answers


def _labels(raw: Any, count: int) -> list[Answer | Failure]:
    array = _array(raw)
    if array.shape == (count, 1):
        array = array.ravel()
    return [_checked(label, Answer(label=label)) for label in map(_plain, _shaped(array, (count,)).tolist())]


def _numbers(raw: Any, count: int) -> list[Answer | Failure]:
    array = _numeric(raw)
    if array.shape == (count, 1):
        array = array.ravel()
    numbers: list[float] = _shaped(array, (count,)).tolist()
    answers: list[Answer | Failure] = [Answer(number=number) for number in numbers]
    for row in _not_finite(array):
        answers[row] = Failure("not_finite", f"the model's answer is {numbers[row]}")
    return answers


def _values(raw: Any, count: int, outputs: int) -> list[Answer | Failure]:
    rows = _shaped(_array(raw), (count, outputs)).tolist()
    answers: list[Answer | Failure] = []
    for row in rows:
        values = [_plain(value) for value in row]
        bad = [value for value in values if isinstance(value, float) and not math.isfinite(value)]
        answers.append(_checked(bad[0] if bad else 0, Answer(values=values)))
    return answers


def _checked(value: Label, answer: Answer) -> Answer | Failure:
    if isinstance(value, float) and not math.isfinite(value):
        return Failure("not_finite", f"the model's answer is {value}")
    return answer


def _plain(value: Any) -> Label:
    """A label as plain Python: tolist leaves numpy's own inside arrays of objects."""
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, PLAIN):
        raise WrongShape(f"the model answered with a {type(value).__name__}, not a bool, int, float or str")
    return plain


def _numeric(raw: Any) -> Any:
    return _array(raw, np.float64)


def _array(raw: Any, dtype: type | None = None) -> Any:
    try:
        return np.asarray(raw, dtype=dtype)
    except (TypeError, ValueError) as error:
        raise WrongShape(f"the model returned {type(raw).__name__}, which is no array of answers: {error}") from error


def _shaped(array: Any, wanted: tuple[int, ...]) -> Any:
    if array.shape != wanted:
        raise WrongShape(f"the model returned an array of shape {array.shape} for {wanted[0]} rows, not {wanted}")
    return array


def _not_finite(array: Any) -> list[int]:
    """Rows with NaN or infinity."""
    finite = np.isfinite(array)
    if finite.all():
        return []
    by_row = finite.reshape(len(finite), -1).all(axis=1)
    rows: list[int] = np.flatnonzero(~by_row).tolist()
    return rows
