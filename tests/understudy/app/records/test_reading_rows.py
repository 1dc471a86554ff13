from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import endpoint_settings, event

from schemas.encodings import RowEncoder
from schemas.single_object import encode
from understudy.app.records.reading_rows import Source, entry, errors_in, source_of, text_of, times_ms
from understudy.app.wire_schemas import event_schema
from understudy.core.batches import Record, build, relocate
from understudy.core.log.contract import TopicPartition
from understudy.core.topics import BadName

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.app.records.reading_rows import Entry
    from understudy.core.batches import Headers
    from understudy.core.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return endpoint_settings(tmp_path)


def read(source: Source, value: bytes | None, headers: Headers = ()) -> Entry:
    return entry(source, TopicPartition(source.topic, 1), 5, 1_000, (b"key", value, headers))


@pytest.mark.parametrize(
    ("wanted", "topic", "kind"),
    [
        ("predictions", "sums.predictions", "predictions"),
        ("sums.predictions", "sums.predictions", "predictions"),
        ("shadow-predictions", "sums.shadow-predictions", "shadow-predictions"),
        ("input", "sums.input", "input"),
        ("somebody.elses", "somebody.elses", "raw"),
    ],
)
def test_a_topic_is_meant_by_kind_or_name(settings: Settings, wanted: str, topic: str, kind: str) -> None:
    source = source_of(settings, wanted)

    assert (source.topic, source.kind) == (topic, kind)


def test_what_is_neither_is_refused_with_the_kinds(settings: Settings) -> None:
    with pytest.raises(BadName, match=r"contains ' '.*say one of predictions, shadow-predictions"):
        source_of(settings, "my topic")


def test_input_and_rows_are_decoded(settings: Settings) -> None:
    row = {
        "kind": "frame",
        "role": "answering",
        "version": "sums:v1",
        "revision": 1,
        "source_partition": 1,
        "base_offset": 0,
        "span": 2,
        "count": 2,
        "share_ppm": 1_000_000,
    }

    assert read(source_of(settings, "input"), encode(event_schema(settings), event(3))).fields == event(3)
    routed = read(source_of(settings, "routes"), RowEncoder.of("avro", "route").encode(row)).fields
    assert routed == {**row, "bitmap": None, "shadows": [], "part": None, "plan": None}


def test_garbage_says_why_it_cannot_be_decoded(settings: Settings) -> None:
    garbage = read(source_of(settings, "input"), b"garbage")

    assert garbage.fields is None
    assert "C3 01" in str(garbage.error)
    assert garbage.as_json() == {
        "topic": "sums.input",
        "partition": 1,
        "offset": 5,
        "timestamp_ms": 1_000,
        "key": "key",
        "error": garbage.error,
        "value": None,
    }


def test_a_dead_letter_tells_its_headers_the_last_of_a_name_being_ours(settings: Settings) -> None:
    headers = (
        ("__connect.errors.topic", b"forged"),
        ("trace", b"1"),
        ("__connect.errors.topic", b"sums.input"),
        ("__connect.errors.exception.message", b"too short"),
    )

    letter = read(source_of(settings, "dead-letters"), b"\xff\x00", headers)

    assert errors_in(headers) == {"topic": "sums.input", "exception.message": "too short"}
    assert letter.fields == {**errors_in(headers), "bytes": 2, "begins": "0xff00"}


def test_bytes_are_text_where_they_can_be() -> None:
    assert text_of(b"N123") == "N123"
    assert text_of(b"\xff") == "0xff"
    assert text_of(b"a\n") == "0x610a"


def test_a_records_time_is_when_its_topic_got_it_where_the_topic_keeps_that() -> None:
    batch = build([Record(None, b"a", 3), Record(None, b"b", 5)])

    assert list(times_ms(batch)) == [3, 5]
    assert list(times_ms(relocate(batch, 10, append_time_ms=1_000))) == [1_000, 1_000]
