from __future__ import annotations

import json
from typing import Any

import pytest

from schemas.decoding import decoder
from schemas.parsing import parse

WRITER = parse('{"type":"record","name":"Event","fields":[{"name":"x","type":"int"}]}', "writer")
INNER = {
    "type": "record",
    "name": "Inner",
    "fields": [{"name": "p", "type": "double", "default": 3}, {"name": "q", "type": "bytes", "default": "\u00ff"}],
}


@pytest.mark.parametrize(
    ("kind", "default", "expected"),
    [
        ("int", 3, 3),
        ("boolean", True, True),
        ("string", "a", "a"),
        ("double", 3, 3.0),
        ("float", 3, 3.0),
        ("bytes", "a\u00ff", b"a\xff"),
        ({"type": "fixed", "name": "F", "size": 2}, "a\u00ff", b"a\xff"),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B"),
        (["null", "bytes"], None, None),
        (["bytes", "null"], "\u0001", b"\x01"),
        (["null", "bytes"], "\u0001", b"\x01"),
        (["null", "double", "string"], 1, 1.0),
        (["null", {"type": "array", "items": "bytes"}, "string"], "a", "a"),
        ({"type": "array", "items": "bytes"}, ["\u0001"], [b"\x01"]),
        ({"type": "map", "values": "double"}, {"a": 1}, {"a": 1.0}),
        (INNER, {}, {"p": 3.0, "q": b"\xff"}),
        (INNER, {"q": "a"}, {"p": 3.0, "q": b"a"}),
        (["null", INNER], {"p": 1}, {"p": 1.0, "q": b"\xff"}),
        ({"type": "long", "logicalType": "timestamp-millis"}, 5, 5),
    ],
)
def test_a_missing_field_gets_what_decoding_its_default_would_give(kind: Any, default: Any, expected: Any) -> None:
    fields = [{"name": "x", "type": "int"}, {"name": "new", "type": kind, "default": default}]
    reader = parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "reader")
    row = decoder(WRITER, reader)(b"\x02", 0)
    assert row == {"x": 1, "new": expected}
    assert type(row["new"]) is type(expected)


def test_a_default_of_a_type_that_is_named_earlier() -> None:
    fields = [
        {"name": "x", "type": "int"},
        {"name": "first", "type": INNER, "default": {}},
        {"name": "second", "type": ["null", "Inner"], "default": {"p": 7}},
    ]
    reader = parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "reader")
    assert decoder(WRITER, reader)(b"\x02", 0)["second"] == {"p": 7.0, "q": b"\xff"}
