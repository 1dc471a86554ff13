from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

pytest.importorskip("pandas")

from examples.flights import events, train
from understudy.core.settings_loading import load
from understudy.models import Answer, Registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = Registry(tmp_path_factory.mktemp("models"))
    for version in ("v1", "v3_hours", "v4"):
        train.MODELS[version](registry)
    return registry


def answers(registry: Registry, version: str, flights: list[events.Flight]) -> list[Answer]:
    results = registry.load(f"flights:{version}").score([flight.event for flight in flights]).results
    return [result for result in results if isinstance(result, Answer)]


def accuracy(answered: list[Answer], flights: list[events.Flight]) -> float:
    known = [(one.label, flight.late) for one, flight in zip(answered, flights, strict=True) if flight.late is not None]
    return sum(label == late for label, late in known) / len(known)


def disagreement(some: list[Answer], others: list[Answer]) -> float:
    return sum(one.label != other.label for one, other in zip(some, others, strict=True)) / len(some)


def test_the_refactor_agrees_and_the_broken_version_does_not(registry: Registry) -> None:
    flights = list(events.events())
    v1, v3, v4 = (answers(registry, version, flights) for version in ("v1", "v3_hours", "v4"))

    assert accuracy(v1, flights) == pytest.approx(0.884, abs=0.002)
    assert accuracy(v3, flights) == pytest.approx(0.726, abs=0.005)
    assert disagreement(v1, v4) < 0.001
    assert disagreement(v1, v3) > 0.15


def test_the_broken_version_reads_minutes_as_hours(registry: Registry) -> None:
    flights = [flight for flight in events.events(500) if flight.event["dep_delay"] % 60 == 0]
    in_hours = [{**flight.event, "dep_delay": flight.event["dep_delay"] // 60} for flight in flights]

    broken = answers(registry, "v3_hours", flights)
    right = [one for one in registry.load("flights:v1").score(in_hours).results if isinstance(one, Answer)]

    assert flights
    assert [one.probabilities for one in broken] == [pytest.approx(one.probabilities) for one in right]


def test_the_better_version_learns_and_is_kept_as_safely(tmp_path: Path) -> None:
    flights = list(events.events(5_000))

    with threadpool_limits(1):  # more threads than free cores make this several times slower
        manifest = train.v2(tmp_path)
        answered = answers(Registry(tmp_path), "v2", flights)

    assert manifest.metrics["training_auc"] > 0.92
    assert accuracy(answered, flights) > 0.85


def test_the_program_trains_the_versions_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py", "v1", "--registry", str(tmp_path)])

    train.main()

    assert capsys.readouterr().out.startswith("flights:v1: ")
    assert Registry(tmp_path).versions() == ["flights:v1"]


def test_the_settings_of_the_example_name_what_is_there() -> None:
    settings = load(events.HERE / "understudy.toml")

    assert settings.require_schema() == events.SCHEMA_FILE
    assert settings.input.event_id in {field["name"] for field in events.schema()["fields"]}
