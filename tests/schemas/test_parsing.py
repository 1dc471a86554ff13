from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from schemas.errors import InvalidSchema
from schemas.parsing import fingerprint, load, parse, timestamp_units_per_ms
from schemas.single_object import decode, encode

if TYPE_CHECKING:
    from pathlib import Path

TEXT = '{"type": "record", "name": "Event", "fields": [{"name": "x", "type": "int"}]}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Avro's own vectors, share/test/data/schema-tests.txt (apache/avro); signed as they stand there.
        ('"null"', 7195948357588979594),
        ('{"type":"null"}', 7195948357588979594),
        ('"int"', 8247732601305521295),
        ('{"type":"double"}', -8181574048448539266),
        ('[ "int" , {"type":"boolean"} ]', 5392556393470105090),
        ('{"fields":[], "type":"record", "name":"foo"}', -4824392279771201922),
        ('{"fields":[], "type":"record", "name":"foo", "namespace":"x.y"}', 5916914534497305771),
        ('{"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"}', -4616218487480524110),
        ('{"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]}', -4824392279771201922),
        ('{"fields":[{"type":{"type":"boolean"}, "name":"f1"}], "type":"record", "name":"foo"}', 7843277075252814651),
        (
            '{"namespace":"x.y.z", "type":"enum", "name":"foo", "doc":"foo bar", "symbols":["A1", "A2"]}',
            -4448647247586288245,
        ),
        ('{"namespace":"x.y.z", "type":"fixed", "name":"foo", "size":32}', -3064184465700546786),
        ('{ "values":"string", "type":"map"}', -8732877298790414990),
        (
            '{"name":"PigValue","type":"record","fields":[{"name":"value","type":["null","int","long","PigValue"]}]}',
            -1759257747318642341,
        ),
    ],
)
def test_fingerprints_are_those_of_the_specification(text: str, expected: int) -> None:
    assert int.from_bytes(fingerprint(json.loads(text)), "little", signed=True) == expected


def test_a_schema_with_a_byte_order_of_its_own_gives_the_specified_bytes() -> None:
    assert fingerprint("int").hex() == "8f5c393f1ad57572"


def test_logical_types_leave_plain_values_and_the_fingerprint() -> None:
    plain = parse('{"type":"record","name":"E","fields":[{"name":"t","type":"long"}]}', "plain")
    timed = parse(
        '{"type":"record","name":"E","fields":[{"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}}]}',
        "timed",
    )
    assert fingerprint(plain) == fingerprint(timed)
    row = {"t": 2**62}
    assert decode(encode(timed, row), lambda _: timed) == row


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        b"\xff\xfe\x00",
        "null",
        "3",
        "[]",
        "{}",
        '"no-such-type"',
        '{"type": "record"}',
        '{"type": "record", "name": "E", "fields": 3}',
        '{"type": "record", "name": "E", "fields": [3]}',
        '{"type": "record", "name": "E", "fields": [{"name": "x"}]}',
        '{"type": "record", "name": "E", "fields": [{"name": "x", "type": "Gone"}]}',
        '{"type": "record", "name": "E", "fields": [{"name": "x", "type": {"type": "enum", "name": "S"}}]}',
        '{"type": "record", "name": "E", "fields": [{"name": "x", "type": "int", "default": "a"}]}',
        '{"type": "record", "name": "E", "fields": [{"name": "x", "type": "bytes", "default": "\\u2203"}]}',
        '{"type": {"type": "record"}, "name": "E", "fields": []}',
    ],
)
def test_what_is_no_schema_is_refused_with_its_source(text: str | bytes) -> None:
    with pytest.raises(InvalidSchema, match=r"^here: "):
        parse(text, "here")


@pytest.mark.parametrize("text", ['"string"', '["null", "int"]', '{"type": "array", "items": "int"}'])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(InvalidSchema, match=r"here: .*record: wrap it"):
        parse(text, "here")


def test_every_problem_that_the_lint_finds_is_told_with_the_source() -> None:
    fields = [
        {"name": "a", "type": {"type": "array", "items": "null"}},
        {"name": "b", "type": ["null", "Event"]},
    ]
    with pytest.raises(InvalidSchema) as caught:
        parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "here")
    first, second = str(caught.value).splitlines()
    assert first.startswith("here: Event.a[]")
    assert second.startswith("here: Event.b")


@pytest.mark.parametrize("levels", [300, 100_000])
def test_text_nested_deeper_than_the_parser_can_stand_is_refused(levels: int) -> None:
    text = '{"type":"array","items":' * levels + '"int"' + "}" * levels
    with pytest.raises(InvalidSchema, match="nested too deeply"):
        parse(text, "here")


def test_a_file_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "event.avsc"
    path.write_text(TEXT)
    assert load(path)["name"] == "Event"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSchema, match=r"gone\.avsc: cannot be read \(No such file"):
        load(tmp_path / "gone.avsc")


def event_with(kind: Any) -> dict[str, Any]:
    return parse(json.dumps({"type": "record", "name": "Event", "fields": [{"name": "at", "type": kind}]}), "event")


@pytest.mark.parametrize(
    ("kind", "units"),
    [
        ("long", 1),
        ({"type": "long"}, 1),
        (["null", "long"], 1),
        ({"type": "long", "logicalType": "timestamp-millis"}, 1),
        ({"type": "long", "logicalType": "timestamp-micros"}, 1_000),
        ({"type": "long", "logicalType": "timestamp-nanos"}, 1_000_000),
        (["null", {"type": "long", "logicalType": "timestamp-micros"}], 1_000),
    ],
)
def test_a_time_field_says_its_unit(kind: Any, units: int) -> None:
    assert timestamp_units_per_ms(event_with(kind), "at") == units


@pytest.mark.parametrize("kind", ["string", "int", "double", {"type": "long", "logicalType": "time-micros"}])
def test_a_field_that_is_no_time_is_refused(kind: Any) -> None:
    with pytest.raises(InvalidSchema, match="at of Event is no time"):
        timestamp_units_per_ms(event_with(kind), "at")


def test_a_time_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(InvalidSchema, match="no field gone: name one of at"):
        timestamp_units_per_ms(event_with("long"), "gone")
