from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.models import MANIFEST, fitted

from understudy.models.manifest import Column
from understudy.models.outputs import Answer, Failure
from understudy.models.scoring import PROBES, LoadedModel, loaded_model

if TYPE_CHECKING:
    from collections.abc import Sequence

DOUBLES = replace(MANIFEST, columns=(Column("x", "float"),), kind="regressor", method="predict", classes=None)


@dataclass
class Doubling:
    """A regressor that doubles its input, and raises where it is given one of `bad`. It counts its calls."""

    bad: frozenset[float] = frozenset()
    calls: int = 0
    sizes: list[int] = field(default_factory=list)

    def predict(self, matrix: Any) -> Any:
        self.calls += 1
        self.sizes.append(len(matrix))
        if self.bad.intersection(matrix[:, 0]):
            raise ZeroDivisionError("a bad row")
        return matrix[:, 0] * 2


def doubling(*bad: float) -> tuple[Doubling, LoadedModel]:
    model = Doubling(frozenset(bad))
    return model, loaded_model(DOUBLES, model)


def events(numbers: Sequence[float | None]) -> list[dict[str, object]]:
    return [{"x": number} for number in numbers]


def test_a_micro_batch_is_one_call() -> None:
    model, scorer = doubling()

    scored = scorer.score(events([float(number) for number in range(1_000)]))

    assert [one.number for one in scored.results if isinstance(one, Answer)] == [2.0 * n for n in range(1_000)]
    assert model.calls == 1
    assert scored.model_time_ns > 0


def test_no_events_are_no_call() -> None:
    model, scorer = doubling()

    assert list(scorer.score([]).results) == []
    assert model.calls == 0


def test_an_invalid_event_does_not_reach_the_model() -> None:
    model, scorer = doubling()

    results = scorer.score([{"x": 1.0}, {"x": None}, {}, {"x": 4.0}]).results

    assert [one.number if isinstance(one, Answer) else one.kind for one in results] == [2.0, "invalid", "invalid", 8.0]
    assert model.sizes == [2]


@given(st.lists(st.integers(0, 20).map(float), max_size=200), st.frozensets(st.integers(0, 20).map(float), max_size=3))
def test_rows_that_raise_are_isolated_and_all_others_answered(numbers: list[float], bad: frozenset[float]) -> None:
    results = doubling(*bad)[1].score(events(numbers)).results

    if len(numbers) > 64 and bad.issuperset(numbers[i * len(numbers) // PROBES] for i in range(PROBES)):
        assert {type(one) for one in results} == {Failure}
        return
    for number, result in zip(numbers, results, strict=True):
        if number in bad:
            assert result == Failure("model_raised", "ZeroDivisionError: a bad row")
        else:
            assert result == Answer(number=2 * number)


def test_one_bad_row_in_a_thousand_costs_few_calls() -> None:
    model, scorer = doubling(617.0)

    results = scorer.score(events([float(number) for number in range(1_000)])).results

    assert [row for row, one in enumerate(results) if isinstance(one, Failure)] == [617]
    assert model.calls <= 2 * 10 + 2


def test_a_model_that_always_raises_costs_few_calls_too() -> None:
    model, scorer = doubling(1.0)

    results = scorer.score(events([1.0] * 1_000)).results

    assert set(results) == {Failure("model_raised", "ZeroDivisionError: a bad row")}
    assert model.calls == 1 + PROBES


def test_a_small_micro_batch_is_always_taken_apart() -> None:
    results = doubling(1.0)[1].score(events([1.0] * 63 + [3.0])).results

    assert results[-1] == Answer(number=6.0)


def test_a_model_that_leaves_rows_out_loses_only_these() -> None:
    class Dropping:
        def predict(self, matrix: Any) -> Any:
            return matrix[matrix[:, 0] > 0, 0]

    results = loaded_model(DOUBLES, Dropping()).score(events([1.0, -1.0, 2.0])).results

    assert [one.number if isinstance(one, Answer) else one.kind for one in results] == [1.0, "wrong_shape", 2.0]


def test_a_row_that_is_not_finite_fails_without_another_call() -> None:
    model, scorer = doubling()

    results = scorer.score(events([1.0, float("inf"), 2.0])).results

    assert [one.number if isinstance(one, Answer) else one.kind for one in results] == [2.0, "not_finite", 4.0]
    assert model.calls == 1


def test_a_long_message_is_cut() -> None:
    class Talking:
        def predict(self, _: Any) -> Any:
            raise ValueError("x" * 10_000)

    (result,) = loaded_model(DOUBLES, Talking()).score(events([1.0])).results

    assert isinstance(result, Failure)
    assert result.message.startswith("ValueError: xxx")
    assert len(result.message) == 500


def test_a_classifier_answers_as_scikit_learn_does() -> None:
    estimator = fitted()
    rows = np.array([[-3.0, 0.5], [3.0, 0.5]])

    results = loaded_model(MANIFEST, estimator).score([{"a": a, "b": b} for a, b in rows.tolist()]).results

    labels, probabilities = estimator.predict(rows).tolist(), estimator.predict_proba(rows).tolist()
    assert results == [Answer(*one) for one in zip(labels, probabilities, strict=True)]


@pytest.mark.parametrize("bad", [(), (3.0,)])
def test_data_frames_are_taken_apart_as_well(bad: tuple[float, ...]) -> None:
    class Named:
        def predict(self, frame: Any) -> Any:
            if set(bad) & set(frame["x"]):
                raise ValueError("bad")
            return frame["x"].to_numpy() * 2

    scorer = loaded_model(replace(DOUBLES, frame="pandas"), Named())

    results = scorer.score(events([1.0, 3.0, 5.0])).results

    assert [one.number if isinstance(one, Answer) else None for one in results] == [2.0, None if bad else 6.0, 10.0]
