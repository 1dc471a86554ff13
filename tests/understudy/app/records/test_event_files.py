from __future__ import annotations

from typing import Any

import pytest

from understudy.app.records.event_files import BadLine, converter, events

SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "delay", "type": "int"},
        {"name": "gust", "type": ["null", "double"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    ],
}


def csv(*lines: str, besides: tuple[str, ...] = ()) -> dict[int, object]:
    return {line.number: line.event for line in events([f"{line}\n" for line in lines], "csv", SCHEMA, besides)}


def test_cells_become_what_the_fields_are_and_other_columns_are_left_out() -> None:
    assert csv("id,note,delay,gust,at", 'a,"x, y",3,1.5,1000', "b,,-4,,2000") == {
        2: {"id": "a", "delay": 3, "gust": 1.5, "at": 1000},
        3: {"id": "b", "delay": -4, "gust": None, "at": 2000},
    }


def test_a_column_that_is_wanted_besides_stays_text() -> None:
    assert csv("id,seat,delay,at", "a,7,3,0", besides=("seat",)) == {2: {"id": "a", "seat": "7", "delay": 3, "at": 0}}


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a,soon,1,0", "delay is 'soon', which is no int"),
        ("a,1,strong,0", "gust is 'strong', which is no double"),
        ("a,,1,0", "delay is '', which is no int"),
        ("a,1", "more or fewer columns"),
        ("a,1,1,0,extra", "more or fewer columns"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_read(line: str, why: str) -> None:
    read = csv("id,delay,gust,at", line, "b,1,2,3")

    assert isinstance(read[2], BadLine)
    assert why in str(read[2])
    assert read[3] == {"id": "b", "delay": 1, "gust": 2.0, "at": 3}


def test_json_lines_are_taken_as_they_are() -> None:
    read = {line.number: line.event for line in events(['{"id": 1}\n', "\n", "{", "[1]"], "json", SCHEMA)}

    assert read[1] == {"id": 1}
    assert 2 not in read
    assert "it is not JSON" in str(read[3])
    assert "it is not a JSON object" in str(read[4])


@pytest.mark.parametrize(
    ("avro_type", "text", "value"),
    [
        ("boolean", "true", True),
        ("boolean", "0", False),
        (["null", "boolean"], "False", False),
        ("bytes", "x", b"x"),
        (["int", "string"], "x", "x"),
        (["int", "string"], "7", 7),
        ("string", "", ""),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "A", "A"),
    ],
)
def test_types(avro_type: object, text: str, value: object) -> None:
    assert converter(avro_type)(text) == value


def test_what_is_none_of_a_unions_types_is_refused_by_their_names() -> None:
    with pytest.raises(BadLine, match="int or boolean"):
        converter(["null", "int", "boolean"])("x")
