"""Before a model is registered, it must answer events as a worker would ask it, as the estimator itself answers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from understudy.models.errors import BadModel
from understudy.models.outputs import Answer, Failure, reader_for
from understudy.models.scoring import loaded_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.models.manifest import Manifest


def tried(manifest: Manifest, estimator: Any, events: Sequence[Mapping[str, object]], sample: Any) -> Manifest:
    """Return the manifest to register, if the model answers these events as predict answers the same rows.

    events, sample: the same rows, as events and as the estimator was fitted on them. Where the most probable class
    is not what predict says (a threshold of its own), predict is called from then on. Raises BadModel.
    """
    wanted = reader_for(replace(manifest, method="predict"))(estimator.predict(sample), len(events))
    if _differs(_served(manifest, estimator, events), wanted) is None:
        return manifest
    by_label = replace(manifest, method="predict")
    row = _differs(_served(by_label, estimator, events), wanted)
    if row is not None:
        raise BadModel(
            f"{manifest.ref} answers row {row} of the example differently when it is given as an event: "
            f"check that the columns are what the model was fitted on ({', '.join(map(repr, events[row]))})",
        )
    return by_label


def _served(manifest: Manifest, estimator: Any, events: Sequence[Mapping[str, object]]) -> list[Answer]:
    answers = []
    for row, result in enumerate(loaded_model(manifest, estimator).score(events).results):
        if isinstance(result, Failure):
            raise BadModel(f"{manifest.ref} does not answer row {row} of the example: {result.kind}: {result.message}")
        answers.append(result)
    return answers


def _differs(answers: Sequence[Answer], wanted: Sequence[Answer | Failure]) -> int | None:
    """The first row whose answers differ."""
    for row, (answer, other) in enumerate(zip(answers, wanted, strict=True)):
        if not isinstance(other, Answer) or not _same(answer, other):
            return row
    return None


def _same(answer: Answer, other: Answer) -> bool:
    if answer.number is not None and other.number is not None:
        return math.isclose(answer.number, other.number, rel_tol=1e-9, abs_tol=1e-12)
    return answer.label == other.label and answer.values == other.values
