from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import pytest

from understudy.app.demo import scenery
from understudy.app.demo.errors import NoScenery
from understudy.core.settings import KafkaSettings
from understudy.models import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_the_checkout_has_what_the_demo_needs() -> None:
    scenery.check()


def test_outside_a_checkout_it_says_where_the_demo_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenery, "EXAMPLE", tmp_path)

    with pytest.raises(NoScenery, match="run it in a checkout of the project, with make demo"):
        scenery.check()


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(NoScenery, match=r"pip install 'understudy\[demo\]'"):
        scenery.check()


def test_flights_are_the_first_of_the_stream_in_order() -> None:
    flights = list(islice(scenery.flights(), 50))

    assert len(flights) == 50
    assert flights[0].event["event_id"] == "20130401-US1843-EWR-0500"
    assert [flight.timestamp_ms for flight in flights] == sorted(flight.timestamp_ms for flight in flights)


def test_the_stream_goes_on_behind_the_last_flight_with_other_ids() -> None:
    first, *_, last = islice(scenery.flights(), 30_001)

    assert (last.key, last.late) == (first.key, first.late)
    assert last.event["event_id"] != first.event["event_id"]
    assert last.timestamp_ms > first.timestamp_ms


def test_training_registers_the_version(tmp_path: Path) -> None:
    production = scenery.VERSIONS[0]

    scenery.train(production, tmp_path)

    assert Registry(str(tmp_path)).manifest(production.ref).ref == scenery.FIRST


@pytest.mark.parametrize("bootstrap", [None, "broker:9092"])
def test_an_endpoint_is_furnished_as_a_user_would(tmp_path: Path, bootstrap: str | None) -> None:
    settings = scenery.furnish(tmp_path, "flights-demo-1", bootstrap)

    assert settings.endpoint == "flights-demo-1"
    assert settings.kafka.bootstrap == (bootstrap or KafkaSettings().bootstrap)
    assert settings.require_schema().is_relative_to(tmp_path)
    assert settings.models.registry == str(tmp_path / "models")


def test_settings_of_another_endpoint_are_forgotten() -> None:
    environment = {"UNDERSTUDY_ENDPOINT": "prod", "understudy_input__topic": "clicks", "PATH": "/bin"}

    scenery.forget_settings(environment, keep_security=False)

    assert environment == {"PATH": "/bin"}


def test_what_secures_connections_to_a_given_cluster_stays() -> None:
    user = {"UNDERSTUDY_KAFKA__SASL_USERNAME": "ann"}
    environment = {**user, "UNDERSTUDY_KAFKA__BOOTSTRAP": "prod:9092", "UNDERSTUDY_PLAN__PRODUCTION": "clicks:v1"}

    scenery.forget_settings(environment, keep_security=True)

    assert environment == user
