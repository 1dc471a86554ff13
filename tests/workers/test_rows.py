from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.lanes import VERSION, encoders, event, row_of
from support.pile import stored

from schemas.encodings import PredictionEncoder, RowDecoder
from understudy.core.frames import FrameHeader
from understudy.models.outputs import Answer, Failure
from workers.answering import Outcomes
from workers.events import Details
from workers.lanes import Part
from workers.rows import MAX_KEY_BYTES, PredictionRows, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.deployments.plan import Role


def outcomes(
    results: Sequence[Answer | Failure], keys: Sequence[bytes | None] | None = None, role: Role = "answering"
) -> Outcomes:
    columns = stored([event(1)] * len(results), 100, keys=keys).columns
    header = FrameHeader(7, 3, 50, len(results), len(results), share_ppm=50_000)
    part = Part(role, header, range(50, 50 + len(results)), columns)
    indices = range(len(results))
    details = Details([1_000 + i for i in indices], [f"e{i}" for i in indices], [{"origin": "JFK"} for _ in indices])
    return Outcomes(part, results, details, 250)


def test_an_answer_is_written_with_everything_that_is_known_of_it() -> None:
    written = PredictionRows(VERSION, encoders()).write(
        outcomes([Answer(label=True, probabilities=[0.25, 0.75])], role="shadow")
    )

    assert written.keys == [b"k100"]
    assert written.failures == []
    assert row_of(written.rows[0]) == {
        "outcome": "answered",
        "lane": "shadow",
        "routed_version": VERSION,
        "answered_version": VERSION,
        "revision": 7,
        "share_ppm": 50_000,
        "source_partition": 3,
        "model_time_ns": 250,
        "source_offset": 50,
        "span": 1,
        "event_time": 1_000,
        "event_id": "e0",
        "slices": {"origin": "JFK"},
        "label": True,
        "probabilities": [0.25, 0.75],
        "number": None,
        "values": None,
        "error_kind": None,
        "error": None,
    }


def test_failures_stand_in_their_places() -> None:
    results: list[Answer | Failure] = [
        Answer(number=1.0),
        Failure("invalid", "no x"),
        Answer(values=[1, "a", 2.5, False]),
        Failure("model_raised", "boom"),
    ]

    written = PredictionRows(VERSION, encoders()).write(outcomes(results))

    rows = [row_of(row) for row in written.rows]
    assert [(row["source_offset"], row["outcome"], row["error_kind"], row["error"]) for row in rows] == [
        (50, "answered", None, None),
        (51, "failed", "invalid", "no x"),
        (52, "answered", None, None),
        (53, "failed", "model_raised", "boom"),
    ]
    assert rows[2]["values"] == [1, "a", 2.5, False]
    assert (rows[1]["event_id"], rows[1]["event_time"]) == ("e1", 1_001)
    assert written.failures == [(1, results[1]), (3, results[3])]


def test_long_and_unwritable_messages_are_made_to_fit() -> None:
    written = PredictionRows(VERSION, encoders()).write(outcomes([Failure("model_raised", "\udcff" + "x" * 9_000)]))

    error = row_of(written.rows[0])["error"]
    assert error.startswith("\\udcffxxx")
    assert len(error) == len(plain_text("\udcff" + "x" * 9_000)) == 1_005


@pytest.mark.parametrize("label", [1 << 70, "\udcff", "x" * 1_100_000])
def test_an_answer_that_no_row_can_hold_is_a_failure(label: int | str) -> None:
    written = PredictionRows(VERSION, encoders()).write(outcomes([Answer(label=label), Answer(label="fine")]))

    assert [(index, failure.kind) for index, failure in written.failures] == [(0, "wrong_shape")]
    assert [row_of(row)["label"] for row in written.rows] == [None, "fine"]


def test_a_key_that_is_too_large_is_left_out_and_named() -> None:
    keys = [b"k" * (MAX_KEY_BYTES + 1), b"k"]

    written = PredictionRows(VERSION, encoders()).write(outcomes([Answer(number=1.0), Answer(number=2.0)], keys))

    assert written.keys == [None, b"k"]
    assert row_of(written.rows[0])["error_kind"] == "invalid"


def test_rows_follow_the_encoding_that_is_set() -> None:
    encoder = PredictionEncoder.of("json")

    [row] = PredictionRows(VERSION, {"answering": encoder}).write(outcomes([Answer(label="late")])).rows

    assert row.startswith(b"{")
    assert RowDecoder.of("json", "prediction").decode(row)["label"] == "late"


def test_another_version_that_answered_is_named_beside_the_one_that_was_asked() -> None:
    rows = PredictionRows(VERSION, encoders(), answered_by="flights:v9")

    written = rows.write(outcomes([Answer(number=1.0), Failure("invalid", "no x")]))

    assert {(row_of(row)["routed_version"], row_of(row)["answered_version"]) for row in written.rows} == {
        (VERSION, "flights:v9")
    }


def test_withdrawn_records_are_told_by_ranges_without_gaps() -> None:
    columns = stored([event(1)] * 5, 100, time_ms=4_000).columns
    part = Part(
        "shadow", FrameHeader(7, 3, 50, 9, 5, share_ppm=50_000, bitmap=b"\x8d\x01"), [50, 52, 53, 57, 58], columns
    )

    withdrawn = PredictionRows(VERSION, encoders(), answered_by="flights:v9").withdrawn(part)

    rows = [row_of(row) for row in withdrawn.rows]
    assert [(row["source_offset"], row["span"], row["event_time"]) for row in rows] == [
        (50, 1, 4_000),
        (52, 2, 4_001),
        (57, 2, 4_003),
    ]
    assert withdrawn.event_times_ms == [4_000, 4_001, 4_003]
    assert {(row["outcome"], row["lane"], row["answered_version"], row["share_ppm"]) for row in rows} == {
        ("withdrawn", "shadow", VERSION, 50_000)
    }
