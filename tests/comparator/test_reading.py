from __future__ import annotations

import pytest
from support.comparing import PRODUCTION, ROUTES, answer, route, shadow

from comparator.reading import ForeignRow, RowReader
from comparator.slices import SliceNames
from schemas.encodings import RowDecoder, RowEncoder
from understudy.core.batches import Batch, build_columns

CANDIDATE = shadow("candidate")
ENCODE = RowEncoder.of("avro", "prediction").encode


@pytest.fixture
def reader() -> RowReader:
    return RowReader(RowDecoder.of("avro", "prediction"), SliceNames())


def batch(*values: bytes) -> Batch:
    return build_columns([None] * len(values), values, [0] * len(values), base_offset=50)


def test_frames_and_ends_are_read_with_the_offset_of_their_batch(reader: RowReader) -> None:
    rows = [
        route(PRODUCTION, [0], kind="adopted"),
        route(PRODUCTION, [0, 1]),
        route(CANDIDATE, [0, 2]),
        route(CANDIDATE, [3], kind="end"),
    ]

    found = reader.read("routes", batch(*map(ROUTES.encode, rows)))

    assert [track.lane for track, _ in found] == [PRODUCTION, CANDIDATE, CANDIDATE]
    frames = reader.routes(batch(*map(ROUTES.encode, rows)))
    assert [list(frame.offsets_from(0)) for _, frame in frames] == [[0, 1], [0, 2], []]
    assert [frame.closes for _, frame in frames] == [False, False, True]
    assert {frame.offset for _, frame in frames} == {50}


def test_answers_are_read_with_their_own_offsets(reader: RowReader) -> None:
    found = reader.answers("shadow_predictions", batch(ENCODE(answer(CANDIDATE, 3)), ENCODE(answer(CANDIDATE, 4))))

    assert [(track.lane, row.source_offset, row.offset) for track, row in found] == [
        (CANDIDATE, 3, 50),
        (CANDIDATE, 4, 51),
    ]


@pytest.mark.parametrize(("feed", "name"), [("routes", "routes"), ("shadow_predictions", "shadow-predictions")])
def test_a_foreign_record_is_named(reader: RowReader, feed: str, name: str) -> None:
    with pytest.raises(ForeignRow, match=f"offset 50 of {name}"):
        reader.read("routes" if feed == "routes" else "shadow_predictions", batch(b"hello"))
