from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.avro_rows import failure_of, rows_of

from schemas.compatibility import incompatibilities
from schemas.decoding import decoder
from schemas.parsing import RecordSchema, parse
from schemas.single_object import encode_bare


def event(kind: Any, **more: Any) -> RecordSchema:
    fields = [{"name": "x", "type": kind, **more}]
    return parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "event")


def enum(*symbols: str, **more: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": symbols, **more}


def fixed(size: int, name: str = "F") -> dict[str, Any]:
    return {"type": "fixed", "name": name, "size": size}


def record(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": fields, **more}


A = {"name": "a", "type": "int"}
B_DEFAULT = {"name": "b", "type": "int", "default": 1}


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("int", "int"),
        ("int", "long"),
        ("int", "double"),
        ("long", "float"),
        ("float", "double"),
        ("string", "bytes"),
        ("bytes", "string"),
        ("int", ["null", "int"]),
        ("int", ["null", "long"]),
        (["null", "int"], ["null", "string", "long"]),
        (["int"], "long"),
        (enum("a"), enum("b", "a")),
        (enum("a", "c"), enum("a", "b", default="b")),
        (fixed(3), fixed(3)),
        ({"type": "array", "items": "int"}, {"type": "array", "items": ["null", "long"]}),
        ({"type": "map", "values": "int"}, {"type": "map", "values": "double"}),
        (record("R", A), record("R", A, B_DEFAULT)),
        (record("R", A, {"name": "b", "type": "int"}), record("R", A)),
        (record("Old", A), record("New", A, aliases=["Old"])),
        (record("R", A), record("R", {"name": "z", "type": "long", "aliases": ["a"]})),
        (record("a.R", A), record("b.R", A)),
    ],
)
def test_what_resolves_has_no_problem(writer: Any, reader: Any) -> None:
    assert incompatibilities(event(reader), event(writer)) == []


@pytest.mark.parametrize(
    ("writer", "reader", "where"),
    [
        ("long", "int", "Event.x: long cannot be read as int"),
        ("double", "float", "Event.x: double"),
        ("string", "int", "Event.x: string"),
        ("boolean", "int", "Event.x: boolean"),
        (["null", "int"], "int", "Event.x: null cannot be read as int"),
        ("string", ["null", "int"], "Event.x: the reader's union has no branch for string: add one"),
        (enum("a", "b", "c"), enum("a"), "Event.x: the reader's enum lacks b, c"),
        (fixed(3), fixed(4), "Event.x: fixed"),
        (fixed(3), fixed(3, "G"), "Event.x: fixed"),
        ({"type": "array", "items": "string"}, {"type": "array", "items": "int"}, "Event.x[]: string"),
        ({"type": "map", "values": "string"}, {"type": "map", "values": "int"}, "Event.x{}: string"),
        (record("R", A), record("S", A), "Event.x: record"),
        (record("R", A), record("R", A, {"name": "b", "type": "int"}), "Event.x.b: the writer does not write it"),
        (record("R", A), ["null", record("R", {"name": "a", "type": "string"})], "Event.x.a: int"),
    ],
)
def test_what_does_not_resolve_is_named(writer: Any, reader: Any, where: str) -> None:
    (line,) = incompatibilities(event(reader), event(writer))
    assert line.startswith(where)


def test_types_are_followed_through_their_names() -> None:
    def two(first: Any) -> RecordSchema:
        fields = [{"name": "x", "type": first}, {"name": "y", "type": ["null", "R"]}]
        return parse(json.dumps(record("Event", *fields)), "two")

    assert incompatibilities(two(record("R", A, B_DEFAULT)), two(record("R", A))) == []
    lines = incompatibilities(two(record("R", {"name": "a", "type": "string"})), two(record("R", A)))
    assert [line.split(":")[0] for line in lines] == ["Event.x.a", "Event.y.a"]


PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]
NAMED = [enum("a"), enum("b", "a"), enum("c", default="c"), fixed(2), fixed(3), record("R", A), record("R", B_DEFAULT)]


def inside(wrapping: str, kind: Any) -> Any:
    match wrapping:
        case "array":
            return {"type": "array", "items": kind}
        case "map":
            return {"type": "map", "values": kind}
        case "union":
            return ["null", kind]
        case _:
            return kind


KINDS = [
    event(inside(wrapping, kind)) for wrapping in ("array", "map", "union", "") for kind in (*PRIMITIVES[1:], *NAMED)
]
COMPATIBLE = [(writer, reader) for writer in KINDS for reader in KINDS if incompatibilities(reader, writer) == []]


@settings(max_examples=1_000)
@given(pair=st.sampled_from(COMPATIBLE), data=st.data())
def test_what_is_called_compatible_is_read(pair: tuple[RecordSchema, RecordSchema], data: st.DataObject) -> None:
    writer, reader = pair
    value = encode_bare(writer, data.draw(rows_of(writer)))
    failure = failure_of(lambda given: decoder(writer, reader)(given, 0), value)
    assert failure is None or failure.kind == "bad_utf8"  # bytes read as a string may be none, which no schema can tell


def test_the_pairs_above_are_more_than_each_schema_with_itself() -> None:
    assert len(COMPATIBLE) > 2 * len(KINDS)
