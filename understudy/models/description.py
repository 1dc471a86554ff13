"""What an estimator is: its kind, its classes, and which of its methods gives the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from understudy.models.errors import BadModel, RefusedArtifact
from understudy.models.manifest import Kind

if TYPE_CHECKING:
    from understudy.models.manifest import FrameKind, Label, Manifest, Method

LABELS_BY_THRESHOLD: Final = frozenset(
    {"SVC", "NuSVC", "FixedThresholdClassifier", "TunedThresholdClassifierCV", "ClassifierChain"}
)
"""Classifiers whose predict need not name the most probable class: they are asked for the label itself."""


@dataclass(frozen=True, slots=True)
class Description:
    """Kind of an estimator, labels in the order of its probabilities, values per answer, and what to call."""

    kind: Kind
    classes: tuple[Label, ...] | tuple[tuple[Label, ...], ...] | None
    outputs: int
    method: Method


def describe(estimator: Any, kind: Kind | None = None, sample: Any = None) -> Description:
    """Describe a fitted estimator. Raises BadModel, saying what is missing.

    kind: overrides what is found. sample: a row or more of its input; its answer shows how many values there are.
    """
    if not callable(getattr(estimator, "predict", None)):
        raise BadModel(f"{type(estimator).__name__} has no predict method: register a fitted estimator or pipeline")
    _require_fitted(estimator)
    classes = _classes(estimator)
    outputs = _outputs(estimator, classes) if sample is None else _observed_outputs(estimator, sample)
    found = kind or _kind(estimator, outputs)
    if found not in get_args(Kind):
        raise BadModel(f"kind {kind!r} is not one of {', '.join(get_args(Kind))}")
    if "regressor" in found:
        classes = None
    return Description(found, classes, outputs, _method(estimator, found, classes))


def refuse_mismatch(manifest: Manifest, estimator: Any) -> None:
    """Raise RefusedArtifact where a manifest says of an estimator what is not so."""
    if not callable(getattr(estimator, manifest.method, None)):
        raise RefusedArtifact(f"{manifest.ref}: the manifest asks for {manifest.method}, which the model does not have")
    if manifest.kind.endswith("classifier") and manifest.classes != _classes(estimator):
        raise RefusedArtifact(f"{manifest.ref}: the manifest's classes are not those of the model")
    expected = getattr(estimator, "n_features_in_", None)
    if manifest.frame == "matrix" and expected not in (None, len(manifest.columns)):
        raise RefusedArtifact(
            f"{manifest.ref}: the model takes {expected} columns, and {len(manifest.columns)} are declared",
        )
    remembered = getattr(estimator, "feature_names_in_", None)
    if manifest.frame == "pandas" and remembered is not None:
        strange = [column.name for column in manifest.columns if column.name not in remembered]
        if strange:
            raise RefusedArtifact(
                f"{manifest.ref}: the model was fitted on {', '.join(remembered)}, and does not know the columns "
                f"{', '.join(strange)} that are declared",
            )


def frame_of(estimator: Any) -> FrameKind:
    """A DataFrame for what was fitted on one (it remembers the names of its columns), else a matrix."""
    return "pandas" if hasattr(estimator, "feature_names_in_") else "matrix"


def _kind(estimator: Any, outputs: int) -> Kind:
    from sklearn.base import is_classifier, is_outlier_detector, is_regressor  # noqa: PLC0415 - slow

    try:
        labels = is_classifier(estimator) or is_outlier_detector(estimator)
        numbers = is_regressor(estimator)
    except (AttributeError, TypeError) as error:
        raise BadModel(
            f"{type(estimator).__name__} is no scikit-learn estimator: give kind='classifier' or so"
        ) from error
    if labels:
        return "classifier" if outputs == 1 else "multi-output classifier"
    if numbers:
        return "regressor" if outputs == 1 else "multi-output regressor"
    raise BadModel(f"{type(estimator).__name__} is neither classifier nor regressor: give kind='regressor' or so")


def _method(estimator: Any, kind: Kind, classes: Any) -> Method:
    probable = (
        kind == "classifier"
        and classes is not None
        and hasattr(estimator, "predict_proba")
        and type(_last_step(estimator)).__name__ not in LABELS_BY_THRESHOLD
    )
    return "predict_proba" if probable else "predict"


def _classes(estimator: Any) -> tuple[Any, ...] | None:
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list):
        return tuple(tuple(_label(label) for label in one) for one in classes)
    return tuple(_label(label) for label in classes)


def _label(value: Any) -> Label:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, bool | int | float | str):
        raise BadModel(f"a class is a {type(value).__name__}: labels are bools, ints, floats or strings")
    return plain


def _outputs(estimator: Any, classes: tuple[Any, ...] | None) -> int:
    """Values per answer, from what scikit-learn's estimators remember of their target."""
    if classes and isinstance(classes[0], tuple):
        return len(classes)
    last = _last_step(estimator)
    if classes is not None:
        return 1
    if type(last).__name__ == "TransformedTargetRegressor":
        return _outputs(last.regressor_, None)
    if type(last).__name__ in ("MultiOutputRegressor", "RegressorChain"):
        return len(last.estimators_)
    return _regressor_outputs(last)


def _regressor_outputs(last: Any) -> int:
    if isinstance(getattr(last, "n_outputs_", None), int):
        return int(last.n_outputs_)
    coefficients = getattr(last, "coef_", None)
    if isinstance(coefficients, np.ndarray) and coefficients.ndim == 2 and not hasattr(last, "support_"):  # noqa: PLR2004
        return int(coefficients.shape[0])
    return 1


def _observed_outputs(estimator: Any, sample: Any) -> int:
    try:
        array = np.asarray(estimator.predict(sample))
    except Exception as error:  # a user's model may raise anything
        raise BadModel(f"{type(estimator).__name__} cannot answer the example: {error}") from error
    return int(array.shape[1]) if array.ndim > 1 else 1


def _last_step(estimator: Any) -> Any:
    while True:
        if hasattr(estimator, "steps") and estimator.steps:
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator


def _require_fitted(estimator: Any) -> None:
    from sklearn.exceptions import NotFittedError  # noqa: PLC0415 - imports all of scikit-learn, which takes seconds
    from sklearn.utils.validation import check_is_fitted  # noqa: PLC0415

    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        raise BadModel(f"{type(estimator).__name__} is not fitted: call fit before registering it") from error
    except TypeError:
        return  # not one of scikit-learn's: whether it is fitted shows when it scores
