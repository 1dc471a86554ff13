from __future__ import annotations

import hashlib

from schemas.encodings import RowDecoder
from understudy.core.log.contract import TopicPartition
from understudy.models.outputs import Failure
from workers.dead_letters import DeadLetters, Refused

SOURCE = TopicPartition("delay.input", 3)
FAILURE = Failure("undecodable", "the value is cut off")


def refused(key: bytes | None, value: bytes | None, *headers: tuple[str, bytes | None]) -> Refused:
    return Refused(SOURCE, 42, key, value, headers, FAILURE)


def test_the_record_is_kept_as_it_was_with_what_happened_behind_its_own_headers() -> None:
    letter = DeadLetters("flights:v1").letter(refused(b"k", b"\x00garbage", ("trace", b"t1"), ("empty", None)))

    assert (letter.key, letter.value) == (b"k", b"\x00garbage")
    assert letter.headers == (
        ("trace", b"t1"),
        ("empty", None),
        ("__connect.errors.topic", b"delay.input"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"42"),
        ("__connect.errors.connector.name", b"flights:v1"),
        ("__connect.errors.task.id", b"3"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
        ("__connect.errors.class.name", b"schemas.encodings.InputDecoder"),
        ("__connect.errors.exception.class.name", b"understudy.undecodable"),
        ("__connect.errors.exception.message", b"the value is cut off"),
    )


def test_null_key_and_tombstone_stay_null() -> None:
    letter = DeadLetters("flights:v1").letter(refused(None, None))

    assert (letter.key, letter.value) == (None, None)


def test_a_model_that_failed_is_named() -> None:
    letter = DeadLetters("flights:v1").letter(
        Refused(SOURCE, 1, None, b"v", (), Failure("model_raised", "ValueError: \udcff"))
    )

    told = dict(letter.headers)
    assert told["__connect.errors.stage"] == b"TRANSFORMATION"
    assert told["__connect.errors.class.name"] == b"flights:v1"
    assert told["__connect.errors.exception.message"] == rb"ValueError: \udcff"


def test_what_is_too_large_gives_way_to_a_pointer() -> None:
    value = bytes(range(256)) * 400

    letter = DeadLetters("flights:v1", max_bytes=50_000).letter(refused(b"k", value, ("trace", b"t1")))

    assert dict(RowDecoder.of("avro", "dead_letter").decode(letter.value)) == {
        "topic": "delay.input",
        "partition": 3,
        "offset": 42,
        "size_bytes": 102_400,
        "sha256": hashlib.sha256(value).hexdigest(),
        "first_bytes": value[:1_000],
    }
    assert letter.key == b"k"
    assert letter.headers[0] == ("trace", b"t1")


def test_key_and_headers_that_are_too_large_by_themselves_go_too() -> None:
    letter = DeadLetters("flights:v1", max_bytes=50_000).letter(refused(b"k" * 60_000, b"v", ("trace", b"t" * 60_000)))

    assert letter.key is None
    assert [name for name, _ in letter.headers if not name.startswith("__connect.errors.")] == []
    assert RowDecoder.of("avro", "dead_letter").decode(letter.value)["first_bytes"] == b"v"
