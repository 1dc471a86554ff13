from __future__ import annotations

from router.rows import Row, adopted_row, excluded_row, frame_row
from schemas.encodings import RowDecoder, RowEncoder
from understudy.core.frames import end_of, frame_of
from understudy.deployments.plan import Canary, Plan

PLAN = Plan(4, "flights:v1", ("flights:v4",), Canary("flights:v2", 50_000), salt=9)
PRODUCTION, CANARY, MIRROR, SHADOW = PLAN.assignments()


def through_the_contract(row: Row) -> dict[str, object]:
    return dict(RowDecoder.of("avro", "route").decode(RowEncoder.of("avro", "route").encode(row)))


def test_a_frame_with_gaps() -> None:
    header = frame_of([5, 7], revision=4, source_partition=1, share_ppm=50_000)

    assert through_the_contract(frame_row(CANARY, header)) == {
        "kind": "frame",
        "role": "answering",
        "version": "flights:v2",
        "revision": 4,
        "source_partition": 1,
        "base_offset": 5,
        "span": 3,
        "count": 2,
        "share_ppm": 50_000,
        "bitmap": b"\x05",
        "shadows": [],
        "part": "canary",
        "plan": None,
    }


def test_every_lane_says_what_it_is_there_for_and_its_share() -> None:
    header = frame_of([5], revision=4, source_partition=1)

    rows = [through_the_contract(frame_row(assignment, header)) for assignment in PLAN.assignments()]

    assert [(row["role"], row["version"], row["part"], row["share_ppm"]) for row in rows] == [
        ("answering", "flights:v1", "production", 950_000),
        ("answering", "flights:v2", "canary", 50_000),
        ("shadow", "flights:v1", "mirror", 50_000),
        ("shadow", "flights:v4", "shadow", 1_000_000),
    ]


def test_the_end_of_a_lane() -> None:
    row = frame_row(PRODUCTION, end_of(revision=2, source_partition=1, base_offset=9))

    decoded = through_the_contract(row)
    assert [decoded[name] for name in ("kind", "role", "base_offset", "span", "count")] == ["end", "answering", 9, 0, 0]


def test_records_that_a_lane_was_not_given() -> None:
    row = excluded_row(MIRROR, frame_of(range(20, 30), revision=4, source_partition=1))

    decoded = through_the_contract(row)
    assert [decoded[name] for name in ("kind", "part", "base_offset", "span", "count", "share_ppm")] == [
        "excluded",
        "mirror",
        20,
        10,
        10,
        50_000,
    ]


def test_an_adopted_plan() -> None:
    decoded = through_the_contract(adopted_row(PLAN, end_of(revision=4, source_partition=0, base_offset=77)))

    assert [decoded[name] for name in ("kind", "version", "revision", "base_offset", "shadows", "part")] == [
        "adopted",
        "flights:v1",
        4,
        77,
        ["flights:v4"],
        "production",
    ]
    assert decoded["plan"] == PLAN.to_json()
