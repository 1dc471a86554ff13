from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.avro_rows import rows_of
from support.registry_server import RegistryState, serving

from schemas.contracts import contract
from schemas.encodings import InvalidRow, PredictionEncoder, RowDecoder, RowEncoder, RowEncoding
from schemas.encodings.framing import confluent_header
from schemas.registry import SchemaRegistry

if TYPE_CHECKING:
    from schemas.encodings.predictions import SharedPrediction

SCHEMA = contract("prediction")
NAMES = [each["name"] for each in SCHEMA["fields"]]
LEADING: dict[str, Any] = {
    "outcome": "answered",
    "lane": "shadow",
    "routed_version": "late:1",
    "answered_version": "late:1",
    "revision": 3,
    "share_ppm": 1_000_000,
    "source_partition": 2,
    "model_time_ns": 1_500,
}
OWN: dict[str, Any] = {"source_offset": 12, "event_time": 1_700_000_000_000}


def shared(encoding: RowEncoding = "avro") -> SharedPrediction:
    return PredictionEncoder.of(encoding).shared(**LEADING)


def split(row: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    return {name: row[name] for name in NAMES[:8]}, {name: row[name] for name in NAMES[8:]}


LONG_TEXT: dict[str, Any] = {
    "span": 2**31 - 1,
    "event_id": "é" * 70,
    "slices": {"a": "b" * 200, "": ""},
    "label": -(2**63),
    "probabilities": [],
    "number": -0.0,
    "values": [],
    "error_kind": "",
    "error": "x" * 20_000,
}
MANY_NUMBERS: dict[str, Any] = {
    "span": 1,
    "event_id": None,
    "slices": {},
    "label": 2**63 - 1,
    "probabilities": [0.5] * 150,
    "number": None,
    "values": [None, True, False, 0, 0.0, "", -1, 63, 64, -64, -65],
    "error_kind": None,
    "error": None,
}


@given(row=rows_of(SCHEMA))
@example(row=LEADING | OWN | LONG_TEXT)
@example(row=LEADING | OWN | MANY_NUMBERS)
def test_every_byte_is_what_fastavro_writes(row: dict[str, Any]) -> None:
    leading, own = split(row)
    assert PredictionEncoder.of("avro").shared(**leading)(**own) == RowEncoder.of("avro", "prediction").encode(row)


@given(number=st.integers(-(2**63), 2**63 - 1))
def test_long_numbers_are_written_as_fastavro_does(number: int) -> None:
    row = LEADING | {"source_offset": number, "event_time": number, "label": number}
    leading = {name: row.pop(name) for name in LEADING}
    assert shared()(**row) == RowEncoder.of("avro", "prediction").encode(leading | row)


@pytest.mark.parametrize("encoding", ["avro", "json"])
@pytest.mark.parametrize("own", [OWN, OWN | {"label": True, "probabilities": [0.25, 0.75], "slices": {"a": "b"}}])
def test_fields_that_are_left_out_have_their_defaults(encoding: RowEncoding, own: dict[str, Any]) -> None:
    assert shared(encoding)(**own) == RowEncoder.of(encoding, "prediction").encode(LEADING | own)


@pytest.mark.parametrize("encoding", get_args(RowEncoding))
def test_rows_are_decoded_in_every_encoding(encoding: RowEncoding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    state = RegistryState()
    with serving(state) as port:
        registry = SchemaRegistry(f"http://127.0.0.1:{port}")
        value = PredictionEncoder.of(encoding, registry=registry, topic="p").shared(**LEADING)(**OWN, label="x")
        row = RowDecoder.of(encoding, "prediction", registry=registry).decode(value)
    assert row == dict.fromkeys(NAMES) | LEADING | OWN | {"span": 1, "slices": {}, "label": "x"}
    assert encoding != "confluent" or value.startswith(confluent_header(1))


def test_numpy_numbers_that_are_floats_are_written() -> None:
    own: dict[str, Any] = OWN | {"probabilities": np.array([0.25, 0.75]), "number": np.float64(2)}
    assert shared()(**own) == shared()(**OWN | {"probabilities": [0.25, 0.75], "number": 2.0})


@pytest.mark.parametrize("encoding", ["avro", "json"])
@pytest.mark.parametrize(
    "own",
    [
        {"source_offset": None},
        {"source_offset": 2**63},
        {"source_offset": -(2**63) - 1},
        {"source_offset": 2**200},
        {"event_time": "now"},
        {"event_id": 3},
        {"event_id": "\ud800"},
        {"slices": {"a": 3}},
        {"label": b"x"},
        {"label": np.bool_(True)},
        {"probabilities": ["a"]},
        {"number": "a"},
        {"values": [object()]},
        {"error": 3},
    ],
)
def test_what_is_no_prediction_is_refused(encoding: RowEncoding, own: dict[str, Any]) -> None:
    with pytest.raises(InvalidRow, match="not a"):
        shared(encoding)(**OWN | own)


@pytest.mark.parametrize("label", [2**63, -(2**63) - 1, 2**70])
def test_a_label_beyond_64_bits_is_refused(label: int) -> None:
    with pytest.raises(InvalidRow, match="does not fit 64 bits"):
        shared()(**OWN, label=label)


@pytest.mark.parametrize("leading", [{"outcome": "maybe"}, {"lane": None}, {"revision": "3"}, {"share_ppm": None}])
def test_leading_fields_are_checked(leading: dict[str, Any]) -> None:
    with pytest.raises(InvalidRow):
        PredictionEncoder.of("avro").shared(**LEADING | leading)


@pytest.mark.parametrize("encoding", ["avro", "json"])
def test_a_field_that_predictions_do_not_have_is_refused(encoding: RowEncoding) -> None:
    with pytest.raises((TypeError, InvalidRow), match="extra"):
        shared(encoding)(**OWN | {"extra": 1})
