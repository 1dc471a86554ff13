from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import EVENT_SCHEMA, endpoint_settings, event

from schemas.errors import InvalidSchema
from schemas.parsing import parse
from schemas.single_object import encode
from understudy.app.wire_schemas import (
    check_fields,
    event_schema,
    event_time_units_per_ms,
    input_decoder,
    prediction_decoder,
    prediction_encoder,
    schema_registry,
)
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

OLDER_SCHEMA = {**EVENT_SCHEMA, "fields": EVENT_SCHEMA["fields"][:2]}


def test_events_of_older_writers_are_read_with_the_schema_of_today(tmp_path: Path) -> None:
    (tmp_path / "writers").mkdir()
    (tmp_path / "writers" / "older.avsc").write_text(json.dumps(OLDER_SCHEMA))
    settings = endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", "writers": tmp_path / "writers"})
    older = encode(parse(json.dumps(OLDER_SCHEMA), "older"), {"id": "x", "a": 1.0})

    decode = input_decoder(settings).decode

    assert decode(encode(event_schema(settings), event(1))) == event(1)
    assert decode(older) == {"id": "x", "a": 1.0, "b": None, "at": 0}


def test_the_event_time_is_counted_in_the_schemas_unit(tmp_path: Path) -> None:
    assert event_time_units_per_ms(endpoint_settings(tmp_path)) == 1
    assert event_time_units_per_ms(endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc"})) == 1
    with pytest.raises(InvalidSchema, match="has no field when"):
        event_time_units_per_ms(
            endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", "event_time": "when"})
        )


@pytest.mark.parametrize("encoding", ["avro", "json"])
def test_predictions_are_read_as_they_are_written(tmp_path: Path, encoding: str) -> None:
    settings = endpoint_settings(tmp_path, output={"encoding": encoding})
    write = prediction_encoder(settings, "sums.predictions").shared(
        outcome="answered",
        lane="answering",
        routed_version="sums:v1",
        answered_version="sums:v1",
        revision=1,
        share_ppm=1_000_000,
        source_partition=2,
        model_time_ns=5,
    )

    row = prediction_decoder(settings).decode(write(source_offset=7, event_time=8, label=True))

    assert (row["source_partition"], row["source_offset"], row["label"]) == (2, 7, True)


def test_what_the_confluent_framing_needs_is_named(tmp_path: Path) -> None:
    settings = endpoint_settings(tmp_path, output={"encoding": "confluent"})

    for needing in (lambda: prediction_decoder(settings), lambda: prediction_encoder(settings, "t")):
        with pytest.raises(SettingsError, match=r"\[schema_registry\] url is missing"):
            needing()


def test_a_registry_is_there_when_it_is_named(tmp_path: Path) -> None:
    assert schema_registry(endpoint_settings(tmp_path)) is None
    assert schema_registry(endpoint_settings(tmp_path, schema_registry={"url": "http://127.0.0.1:1"})) is not None
    with pytest.raises(SettingsError, match=r"\[schema_registry\] url: .* must be http"):
        schema_registry(endpoint_settings(tmp_path, schema_registry={"url": "registry:8081"}))


@pytest.mark.parametrize(("key", "given"), [("event_id", "nope"), ("slices", ["id", "nope"])])
def test_a_field_that_the_schema_does_not_have_is_named_with_those_that_it_has(
    tmp_path: Path, key: str, given: object
) -> None:
    check_fields(endpoint_settings(tmp_path))
    wrong = endpoint_settings(tmp_path, input={"schema": tmp_path / "event.avsc", key: given})

    with pytest.raises(SettingsError, match=rf"\[input\] {key}: Event has no field nope: name one of id, a, b, at\."):
        check_fields(wrong)
