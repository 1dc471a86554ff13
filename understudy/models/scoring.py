"""From events to answers: one call of the model for a micro-batch, and more only where that call failed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from understudy.models.features import features_for
from understudy.models.outputs import Answer, Failure, WrongShape, reader_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.models.features import Features
    from understudy.models.manifest import Manifest

Result: TypeAlias = Answer | Failure

MAX_MESSAGE_CHARACTERS: Final = 500
EXACT_ROWS: Final = 64
"""A failing micro-batch of at most this many rows is always halved down to the rows that fail."""
PROBES: Final = 32
"""Rows of a larger one that are tried alone first. If the model fails on each of them, it is the model."""


@dataclass(frozen=True, slots=True)
class Scored:
    """results: one for each event, in order. model_time_ns: building the inputs and calling the model, in all."""

    results: Sequence[Result]
    model_time_ns: int


class Scorer(Protocol):
    """Answers events, or says for each why it cannot. Never raises for what is in an event or in the model."""

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored: ...


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model version, ready to score. Make it with `loaded_model` or `Registry.load`."""

    manifest: Manifest
    features: Features
    call: Callable[[Any], Any]
    read: Callable[[Any, int], list[Result]]

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        """Answer each row or say why not: invalid, model_raised, wrong_shape, not_finite."""
        started_ns = time.perf_counter_ns()
        inputs = self.features.of(rows)
        answered = self._answers(inputs.frame, len(inputs.rows))
        if inputs.invalid:
            answered = _merged(len(rows), inputs.rows, answered, inputs.invalid)
        return Scored(answered, time.perf_counter_ns() - started_ns)

    def _answers(self, frame: Any, count: int) -> list[Result]:
        if count == 0:
            return []
        if count <= EXACT_ROWS:
            return self._isolated(frame, count)
        results = self._attempt(frame, count)
        if not isinstance(results, Failure):
            return results
        everywhere = self._failure_of_all(frame, count)
        return [everywhere] * count if everywhere else self._halves(frame, count)

    def _isolated(self, frame: Any, count: int) -> list[Result]:
        """Find the rows that fail by halving; the others are answered."""
        results = self._attempt(frame, count)
        if not isinstance(results, Failure):
            return results
        return [results] if count == 1 else self._halves(frame, count)

    def _halves(self, frame: Any, count: int) -> list[Result]:
        half = count // 2
        return self._isolated(_rows(frame, 0, half), half) + self._isolated(_rows(frame, half, count), count - half)

    def _attempt(self, frame: Any, count: int) -> list[Result] | Failure:
        try:
            return self.read(self.call(frame), count)
        except WrongShape as error:
            return Failure("wrong_shape", str(error))
        except Exception as error:  # noqa: BLE001 - a user's model may raise anything; the record gets an error row
            return Failure("model_raised", f"{type(error).__name__}: {error}"[:MAX_MESSAGE_CHARACTERS])

    def _failure_of_all(self, frame: Any, count: int) -> Failure | None:
        """The failure of all rows, if the model fails on `PROBES` of them alone, spread evenly.

        A model that fails on everything would otherwise be called twice for each row, and hold its lane up.
        """
        failures = []
        for probe in range(PROBES):
            row = probe * count // PROBES
            attempt = self._attempt(_rows(frame, row, row + 1), 1)
            if not isinstance(attempt, Failure):
                return None
            failures.append(attempt)
        return failures[-1]


def loaded_model(manifest: Manifest, estimator: Any) -> LoadedModel:
    """A scorer from a manifest and the estimator that belongs to it. Raises MissingExtra."""
    features = features_for(manifest.columns, manifest.frame)
    return LoadedModel(manifest, features, getattr(estimator, manifest.method), reader_for(manifest))


def _rows(frame: Any, start: int, stop: int) -> Any:
    return frame.iloc[start:stop] if hasattr(frame, "iloc") else frame[start:stop]


def _merged(count: int, rows: Sequence[int], answered: Sequence[Result], invalid: Mapping[int, str]) -> list[Result]:
    by_row: dict[int, Result] = {row: Failure("invalid", reason) for row, reason in invalid.items()}
    by_row.update(zip(rows, answered, strict=True))
    return [by_row[row] for row in range(count)]
