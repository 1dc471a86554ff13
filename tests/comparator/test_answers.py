from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.comparing import PRODUCTION, answer, failure, shadow, withdrawn

from comparator.answers import Answer, AnswerReader, absent
from comparator.slices import SliceNames
from schemas.encodings import RowDecoder, RowEncoder, Undecodable
from understudy.statistics.sketch import bucket_of

if TYPE_CHECKING:
    from comparator.tracks import Track

CANDIDATE = shadow("candidate")
ENCODE = RowEncoder.of("avro", "prediction").encode


@pytest.fixture
def reader() -> AnswerReader:
    return AnswerReader(RowDecoder.of("avro", "prediction").decode, SliceNames())


def read(reader: AnswerReader, row: dict[str, object]) -> tuple[Track, Answer]:
    return reader.read(ENCODE(row), 7, "shadow" if row["lane"] == "shadow" else "answering")


def test_an_answer_says_what_it_is_compared_by(reader: AnswerReader) -> None:
    row = answer(PRODUCTION, 5, probabilities=[0.2, 0.8], slices={"origin": "JFK"}, model_time_ns=1_234)

    track, found = read(reader, row)

    assert track.lane == PRODUCTION
    assert (found.source_offset, found.after, found.offset, found.outcome) == (5, 6, 7, "answered")
    assert (found.label, found.probabilities, found.slices) == (0, [0.2, 0.8], ("origin=JFK",))
    assert (found.event_time_ms, found.event_id, found.model_time) == (5_000, "e5", bucket_of(1_234))
    assert not found.reclaimed


def test_an_error_says_its_kind(reader: AnswerReader) -> None:
    _, found = read(reader, failure(CANDIDATE, 5))

    assert (found.outcome, found.error_kind, found.error) == ("failed", "model_raised", "no")


def test_a_withdrawn_range_may_say_that_its_records_had_expired(reader: AnswerReader) -> None:
    _, taken_back = read(reader, withdrawn(CANDIDATE, 5, 10))
    _, gone = read(reader, withdrawn(CANDIDATE, 5, 10) | {"error_kind": "expired"})

    assert (taken_back.after, taken_back.outcome) == (15, "withdrawn")
    assert (gone.after, gone.outcome) == (15, "expired")


def test_another_versions_answer_is_reclaimed(reader: AnswerReader) -> None:
    track, found = read(reader, answer(PRODUCTION, 5, answered_version="m:older"))

    assert track.lane == PRODUCTION
    assert found.reclaimed


def test_a_value_that_is_no_row_is_refused(reader: AnswerReader) -> None:
    with pytest.raises(Undecodable):
        reader.read(b"hello", 0, "shadow")


def test_what_no_row_tells_of_has_no_time() -> None:
    found = absent(5, "missing", "m:v", 3, 9)

    assert (found.source_offset, found.after, found.event_time_ms, found.revision, found.offset) == (5, 6, None, 3, 9)
