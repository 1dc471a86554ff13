from __future__ import annotations

import hashlib
import itertools

import pytest

from examples.flights import events
from schemas.encodings import InputDecoder
from schemas.lint import lint


@pytest.fixture(scope="module")
def stream() -> list[events.Flight]:
    return list(events.events())


def test_the_extracts_are_those_whose_checksums_stand_beside_them() -> None:
    lines = (events.STREAM.parent / "SHA256SUMS").read_text().splitlines()
    wanted = {name: digest for digest, name in (line.split() for line in lines)}

    files = (events.STREAM, events.TRAINING)
    assert {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files} == wanted


def test_the_schema_is_sound() -> None:
    assert lint(events.schema()) == []


def test_the_stream_is_in_time_order_and_its_ids_are_unique(stream: list[events.Flight]) -> None:
    assert len(stream) == events.STREAM_EVENTS
    assert len({flight.event["event_id"] for flight in stream}) == len(stream)
    assert all(one.timestamp_ms <= next_.timestamp_ms for one, next_ in itertools.pairwise(stream))


def test_a_flight_is_what_the_extract_says(stream: list[events.Flight]) -> None:
    flight = stream[0]

    assert flight.key == b"N566UW"
    assert flight.timestamp_ms == 1_364_806_440_000  # 2013-04-01 08:54 UTC: six minutes early
    assert flight.event["dep_delay"] == -6
    assert flight.event["temp"] == 44.96
    assert flight.event["wind_gust"] is None
    assert (flight.late, flight.label_lag_min) == (False, 102)


def test_labels_come_later_and_diverted_flights_have_none(stream: list[events.Flight]) -> None:
    known = [flight for flight in stream if flight.late is not None]

    assert len(stream) - len(known) == sum(flight.label_lag_min is None for flight in stream) == 106
    assert all(flight.label_lag_min is not None and flight.label_lag_min > 0 for flight in known)
    assert sum(flight.late is True for flight in known) / len(known) == pytest.approx(0.275, abs=0.001)


def test_events_are_encoded_as_a_worker_decodes_them() -> None:
    flights = list(events.events(50))
    decoder = InputDecoder.of("single-object", events.schema())

    written = list(events.encoded(flights))

    assert [decoder.decode(one.value) for one in written] == [flight.event for flight in flights]
    assert [(one.key, one.timestamp_ms) for one in written] == [(one.key, one.timestamp_ms) for one in flights]


def test_repeating_makes_later_events_with_ids_of_their_own() -> None:
    flights = list(events.events(10))

    repeated = list(events.repeated(flights, 25))

    assert repeated[:10] == flights
    assert len({flight.event["event_id"] for flight in repeated}) == 25
    assert all(one.timestamp_ms <= next_.timestamp_ms for one, next_ in itertools.pairwise(repeated))
    assert repeated[12].event | {"event_id": ""} == flights[2].event | {"event_id": ""}


def test_training_data_ends_before_the_stream_begins() -> None:
    pytest.importorskip("pandas")
    flights = events.training()

    assert len(flights) == 78_146
    assert set(flights.month) == {1, 2, 3}
    fields = {field["name"] for field in events.schema()["fields"]}
    assert fields - set(flights.columns) == {"event_id", "flight_id", "tailnum"}
