from __future__ import annotations

from router.rows import adopted_row, frame_row
from schemas.encodings import RowDecoder, RowEncoder
from understudy.core.frames import end_of, frame_of
from understudy.deployments.plan import Lane, Plan


def through_the_contract(row: dict[str, object]) -> dict[str, object]:
    return dict(RowDecoder.of("avro", "route").decode(RowEncoder.of("avro", "route").encode(row)))


def test_a_frame_with_gaps() -> None:
    row = frame_row(Lane("flights:v4", "shadow"), frame_of([5, 7], revision=2, source_partition=1))

    assert through_the_contract(row) == {
        "kind": "frame",
        "role": "shadow",
        "version": "flights:v4",
        "revision": 2,
        "source_partition": 1,
        "base_offset": 5,
        "span": 3,
        "count": 2,
        "share_ppm": 1_000_000,
        "bitmap": b"\x05",
        "shadows": [],
    }


def test_the_end_of_a_lane() -> None:
    row = frame_row(Lane("flights:v1", "answering"), end_of(revision=2, source_partition=1, base_offset=9))

    decoded = through_the_contract(row)
    assert [decoded[name] for name in ("kind", "role", "base_offset", "span", "count")] == ["end", "answering", 9, 0, 0]


def test_an_adopted_plan() -> None:
    plan = Plan.shadow(4, "flights:v1", ["flights:v2", "flights:v4"])

    decoded = through_the_contract(adopted_row(plan, end_of(revision=4, source_partition=0, base_offset=77)))

    assert [decoded[name] for name in ("kind", "version", "revision", "base_offset", "shadows")] == [
        "adopted",
        "flights:v1",
        4,
        77,
        ["flights:v2", "flights:v4"],
    ]
