from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import rows_of

from schemas.compatibility import incompatibilities
from schemas.contracts import CONTRACTS, ContractName, contract, contract_text, contract_versions
from schemas.decoding import decoder
from schemas.single_object import encode_bare

RELEASED = {
    "frame_header": ["d9688aabf0108ca9"],
    "route": ["90978adab5c1d45f", "de7d846c4071813f"],
    "prediction": ["2cd1e8e9a92d4445"],
    "dead_letter": ["10fc2f831e463b40"],
    "comparison": ["733c6eee00ff8523"],
    "deployment": ["061a5c6b3ec4ecdf"],
}
"""Digests of every released version without docs, the oldest first: what stands in schemas/history never changes."""

BOTH = [(name, number) for name in CONTRACTS for number in range(len(contract_versions(name)))]


def without_docs(raw: Any) -> Any:
    if isinstance(raw, list):
        return [without_docs(part) for part in raw]
    return {key: without_docs(part) for key, part in raw.items() if key != "doc"} if isinstance(raw, dict) else raw


def history_of(name: ContractName) -> list[Any]:
    """The released versions as JSON without docs, the oldest first."""
    entries = {int(entry.name.split(".")[0]): entry for entry in (files("schemas") / "history" / name).iterdir()}
    assert sorted(entries) == list(range(1, len(entries) + 1)), "history has gaps"
    return [without_docs(json.loads(entries[number].read_text())) for number in sorted(entries)]


def digest_of(raw: Any) -> str:
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", CONTRACTS)
def test_versions_that_were_released_stay_as_they_are(name: ContractName) -> None:
    assert [digest_of(version) for version in history_of(name)] == RELEASED[name], (
        "add a changed contract as the next number in schemas/history and its digest here; change no earlier one"
    )


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_current_version_is_the_last_of_the_history(name: ContractName) -> None:
    assert without_docs(json.loads(contract_text(name))) == history_of(name)[-1], (
        f"{name}.avsc changed: copy it to schemas/history/{name} under the next number"
    )


@pytest.mark.parametrize(("name", "number"), BOTH)
def test_the_current_version_reads_every_earlier_one(name: ContractName, number: int) -> None:
    assert incompatibilities(contract(name), contract_versions(name)[number]) == []


@pytest.mark.parametrize(("name", "number"), BOTH)
@given(data=st.data())
def test_rows_of_every_version_are_read_as_the_current_one(
    name: ContractName, number: int, data: st.DataObject
) -> None:
    version = contract_versions(name)[number]
    row = data.draw(rows_of(version))
    read = decoder(version, contract(name))(encode_bare(version, row), 0)
    assert read.keys() == {each["name"] for each in contract(name)["fields"]}
    assert {key: read[key] for key in row.keys() & read.keys()} == row


@pytest.mark.parametrize(
    "change",
    [
        {"name": "extra", "type": "int"},
        {"name": "extra", "type": ["null", "int"]},
    ],
)
def test_a_field_without_a_default_would_not_pass(change: dict[str, Any]) -> None:
    current = contract("prediction")
    assert incompatibilities({**current, "fields": [*current["fields"], change]}, current) != []


def test_a_contract_is_parsed_once() -> None:
    assert contract("prediction") is contract("prediction")


def test_times_are_plain_integers() -> None:
    event_time = next(each for each in contract("prediction")["fields"] if each["name"] == "event_time")
    assert event_time["type"]["type"] == "long"
    assert "logicalType" not in event_time["type"]
    assert "timestamp-millis" in contract_text("prediction")
