from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import rows_of
from support.registry_server import RegistryState, serving

from schemas.contracts import CONTRACTS, ContractName, contract, contract_text, contract_versions
from schemas.encodings import InvalidRow, RowDecoder, RowEncoder, RowEncoding, SchemaUnavailable, Undecodable
from schemas.encodings.framing import confluent_header
from schemas.registry import SchemaRegistry
from schemas.single_object import encode

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTER = {"topic": "t", "partition": 1, "offset": 2, "size_bytes": 3, "sha256": "ab", "first_bytes": b"\x00\xff"}


@pytest.fixture(scope="module")
def state() -> RegistryState:
    return RegistryState()


@pytest.fixture(scope="module")
def registry(state: RegistryState) -> Iterator[SchemaRegistry]:
    with pytest.MonkeyPatch.context() as patch, serving(state) as port:
        patch.setenv("no_proxy", "127.0.0.1")
        yield SchemaRegistry(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("encoding", get_args(RowEncoding))
@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_every_row_of_every_contract_comes_back(
    name: ContractName, encoding: RowEncoding, registry: SchemaRegistry, data: st.DataObject
) -> None:
    encoder = RowEncoder.of(encoding, name, registry=registry, topic=f"e.{name}")
    decoder = RowDecoder.of(encoding, name, registry=registry)
    row = data.draw(rows_of(contract(name)))
    assert decoder.decode(encoder.encode(row)) == row


def test_avro_rows_are_single_objects() -> None:
    assert RowEncoder.of("avro", "dead_letter").encode(LETTER) == encode(contract("dead_letter"), LETTER)


def test_confluent_rows_name_the_registered_contract(state: RegistryState, registry: SchemaRegistry) -> None:
    value = RowEncoder.of("confluent", "dead_letter", registry=registry, topic="e.letters").encode(LETTER)
    (schema_id,) = state.subjects["/subjects/e.letters-value/versions"]
    assert value.startswith(confluent_header(schema_id))
    assert state.by_id[schema_id]["schema"] == contract_text("dead_letter")


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_rows_of_every_released_version_are_read(name: ContractName, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from(contract_versions(name)))
    row = data.draw(rows_of(version))
    later = {
        field["name"]: field["default"] for field in json.loads(contract_text(name))["fields"] if "default" in field
    }
    assert RowDecoder.of("avro", name).decode(encode(version, row)) == later | row


@pytest.mark.parametrize("encoding", ["avro", "json"])
@pytest.mark.parametrize("row", [{}, LETTER | {"extra": 1}, LETTER | {"offset": None}])
def test_what_is_no_row_is_refused(encoding: RowEncoding, row: dict[str, Any]) -> None:
    with pytest.raises(InvalidRow):
        RowEncoder.of(encoding, "dead_letter").encode(row)


@pytest.mark.parametrize(
    ("encoding", "value", "kind"),
    [
        ("avro", None, "tombstone"),
        ("avro", b"{}", "bad_framing"),
        ("avro", encode(contract("frame_header"), dict.fromkeys(
            ("revision", "source_partition", "base_offset", "span", "count", "share_ppm"), 0)), "unknown_schema"),
        ("json", None, "tombstone"),
        ("json", b"\xc3\x01", "bad_utf8"),
    ],
)  # fmt: skip
def test_bad_values_are_named(encoding: RowEncoding, value: bytes | None, kind: str) -> None:
    with pytest.raises(Undecodable) as caught:
        RowDecoder.of(encoding, "dead_letter").decode(value)
    assert caught.value.kind == kind


def test_the_confluent_framing_needs_a_registry_and_a_topic(registry: SchemaRegistry) -> None:
    with pytest.raises(ValueError, match=r"set schema_registry\.url"):
        RowEncoder.of("confluent", "route", topic="t")
    with pytest.raises(ValueError, match=r"set schema_registry\.url"):
        RowDecoder.of("confluent", "route")
    with pytest.raises(ValueError, match="name the topic"):
        RowEncoder.of("confluent", "route", registry=registry)


def test_an_outage_at_registration_is_one() -> None:
    with serving(RegistryState()) as port:
        pass
    with pytest.raises(SchemaUnavailable):
        RowEncoder.of("confluent", "route", registry=SchemaRegistry(f"http://127.0.0.1:{port}"), topic="t")
