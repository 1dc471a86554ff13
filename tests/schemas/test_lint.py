from __future__ import annotations

import io
from typing import Any

import fastavro
import pytest

from schemas.contracts import CONTRACTS, contract
from schemas.lint import MAX_DEPTH, MAX_TYPES, lint


def record(name: str, *types: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": f"f{i}", "type": each} for i, each in enumerate(types)]}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def nested(depth: int) -> Any:
    return "long" if depth == 1 else array(nested(depth - 1))


@pytest.mark.parametrize("name", CONTRACTS)
def test_our_contracts_pass(name: Any) -> None:
    assert lint(contract(name)) == []


@pytest.mark.parametrize(
    "inner",
    [
        "Event",
        ["null", "Event"],
        array("Event"),
        {"type": "map", "values": "Event"},
        record("Inner", ["null", "Event"]),
    ],
)
def test_a_type_that_contains_itself_is_refused(inner: Any) -> None:
    (problem,) = lint(record("Event", "int", inner))
    assert problem.startswith("Event.f1")
    assert "contains itself" in problem
    assert "write out as many levels as are needed" in problem


def test_names_count_with_their_namespace() -> None:
    outer = record("Event", {"type": "record", "name": "other.Event", "fields": [{"name": "x", "type": "int"}]})
    assert lint(outer | {"namespace": "some"}) == []


def test_a_type_used_twice_is_no_recursion() -> None:
    assert lint(record("Event", record("Point", "double"), "Point", array("Point"))) == []


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "null"},
        {"type": "fixed", "name": "Nothing", "size": 0},
        record("Nothing"),
        record("Nothing", "null", record("Less", "null")),
    ],
)
@pytest.mark.parametrize(("kind", "inside", "mark"), [("array", "items", "[]"), ("map", "values", "{}")])
def test_items_without_width_are_refused(items: Any, kind: str, inside: str, mark: str) -> None:
    (problem,) = lint(record("Event", {"type": kind, inside: items}))
    assert problem.startswith(f"Event.f0{mark}: items take no bytes")
    assert "give the items a type that holds something" in problem


def test_items_without_width_are_found_behind_a_name() -> None:
    assert len(lint(record("Event", record("Nothing"), array("Nothing")))) == 1


@pytest.mark.parametrize(
    "items",
    [["null"], ["null", "int"], "string", array("int"), {"type": "enum", "name": "E", "symbols": ["A"]}],
)
def test_items_that_take_a_byte_pass(items: Any) -> None:
    assert lint(record("Event", array(items))) == []


def test_a_field_without_width_outside_arrays_passes() -> None:
    assert lint(record("Event", "null", record("Nothing"))) == []


def test_depth_is_bounded() -> None:
    assert lint(record("Event", nested(MAX_DEPTH - 1))) == []
    (problem,) = lint(record("Event", nested(MAX_DEPTH)))
    assert f"nested {MAX_DEPTH + 1} deep" in problem
    assert "flatten" in problem


def test_types_that_double_at_every_level_are_counted_as_what_they_spell_out() -> None:
    doubling: Any = record("T0", "null")
    for level in range(1, 25):
        doubling = record(f"T{level}", doubling, f"T{level - 1}")
    (problem,) = lint(doubling)
    assert f"more than {MAX_TYPES}" in problem
    assert "leave out" in problem


def test_what_is_refused_is_a_danger_indeed() -> None:
    schema = fastavro.parse_schema(record("Event", array("null")))
    claim = io.BytesIO()
    fastavro.schemaless_writer(claim, fastavro.parse_schema(record("Claim", "long")), {"f0": 300_000})
    row = fastavro.schemaless_reader(io.BytesIO(claim.getvalue() + b"\0"), schema)
    assert isinstance(row, dict)
    assert len(row["f0"]) == 300_000
