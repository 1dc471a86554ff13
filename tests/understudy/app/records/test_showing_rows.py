from __future__ import annotations

from typing import Any

import pytest

from understudy.app.records.reading_rows import Entry
from understudy.app.records.showing_rows import line, moment
from understudy.core.log.contract import TopicPartition

PREDICTION: dict[str, Any] = {
    "outcome": "answered",
    "event_id": None,
    "source_partition": 2,
    "source_offset": 40,
    "span": 1,
    "routed_version": "sums:v1",
    "answered_version": "sums:v1",
    "label": None,
    "probabilities": None,
    "number": None,
    "values": None,
    "error_kind": None,
    "error": None,
}
ROUTE: dict[str, Any] = {
    "kind": "frame",
    "role": "shadow",
    "version": "sums:v2",
    "revision": 3,
    "base_offset": 10,
    "span": 5,
    "count": 5,
    "shadows": ["sums:v2"],
}


def shown(kind: str, fields: dict[str, Any] | None, **parts: Any) -> str:
    entry = Entry(TopicPartition("t", 2), 7, 1_000, b"N1", b"", (), fields, **parts)
    text = line(kind, entry)
    assert text.startswith("2@7 1970-01-01 00:00:01 N1: ")
    return text.removeprefix("2@7 1970-01-01 00:00:01 N1: ")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"label": True, "probabilities": [0.25, 0.75]}, "2@40 sums:v1 answered true of [0.25, 0.75]"),
        ({"label": "late", "event_id": "e1"}, "e1 sums:v1 answered late"),
        ({"number": 1.23456}, "2@40 sums:v1 answered 1.235"),
        ({"values": [1, None, "x"]}, "2@40 sums:v1 answered [1, null, x]"),
        (
            {"outcome": "failed", "error_kind": "invalid", "error": "a is missing"},
            "2@40 sums:v1 failed, invalid: a is missing",
        ),
        ({"outcome": "withdrawn", "span": 5}, "2@40 and 4 more: withdrawn from sums:v1"),
    ],
)
def test_predictions(row: dict[str, Any], text: str) -> None:
    assert shown("predictions", {**PREDICTION, **row}) == text


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({}, "5 records of 10..14 to sums:v2 (shadow)"),
        ({"kind": "end"}, "end of sums:v2 (shadow) at 10"),
        ({"kind": "adopted", "version": "sums:v1"}, "revision 3 from 10: sums:v1, shadows sums:v2"),
        ({"kind": "adopted", "version": "sums:v1", "shadows": []}, "revision 3 from 10: sums:v1, shadows none"),
    ],
)
def test_routes(row: dict[str, Any], text: str) -> None:
    assert shown("routes", {**ROUTE, **row}) == text


def test_dead_letters() -> None:
    fields = {
        "topic": "sums.input",
        "partition": "2",
        "offset": "40",
        "bytes": 12,
        "exception.class.name": "understudy.undecodable",
        "exception.message": "cut short",
    }

    assert shown("dead-letters", fields) == "sums.input[2]@40, 12 bytes: undecodable: cut short"


def test_other_rows_are_shown_field_by_field_without_the_empty_ones() -> None:
    fields = {"a": 1, "none": None, "empty": {}, "map": {"x": 0.5}, "list": [b"\xff", False]}

    assert shown("comparisons", fields) == "a=1 map={x: 0.5} list=[0xff, false]"


def test_what_cannot_be_decoded_says_why() -> None:
    assert shown("input", None, error="too short") == "cannot be decoded: too short"


def test_a_time_that_is_none_is_shown_as_its_number() -> None:
    assert moment(1 << 62) == str(1 << 62)
