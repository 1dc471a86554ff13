from __future__ import annotations

import pytest

from workers.events import MAX_TIME_MS, Details, EventFields, within_range

CREATED_MS = 1_700_000_000_000


def test_without_named_fields_only_the_record_speaks() -> None:
    assert EventFields().details({"event_id": "e1"}, CREATED_MS) == Details(CREATED_MS, None, {})


def test_named_fields_are_taken_from_the_event() -> None:
    fields = EventFields(event_id="id", event_time="at", slices=("origin", "late", "hour"))

    details = fields.details({"id": 17, "at": 5_000, "origin": "JFK", "late": True, "hour": 7}, CREATED_MS)

    assert details == Details(5_000, "17", {"origin": "JFK", "late": "true", "hour": "7"})


def test_missing_and_null_fields_are_left_out() -> None:
    fields = EventFields(event_id="id", event_time="at", slices=("origin", "dest"))

    assert fields.details({"at": None, "dest": None}, CREATED_MS) == Details(CREATED_MS, None, {})


@pytest.mark.parametrize("value", [True, 3.5, "2013-01-01", -1, MAX_TIME_MS + 1, None])
def test_what_is_no_time_leaves_the_record_its_own(value: object) -> None:
    assert EventFields(event_time="at").details({"at": value}, CREATED_MS).event_time_ms == CREATED_MS


def test_finer_units_become_milliseconds() -> None:
    assert EventFields(event_time="at", units_per_ms=1_000).details({"at": 1_234_999}, 0).event_time_ms == 1_234


def test_long_texts_are_cut() -> None:
    details = EventFields(event_id="id", slices=("s", "b")).details(
        {"id": "i" * 5_000, "s": "x" * 900, "b": b"\x01"}, 0
    )

    assert (len(details.event_id or ""), len(details.slices["s"]), details.slices["b"]) == (1_000, 200, "01")


@pytest.mark.parametrize(("time_ms", "kept"), [(-1, 0), (5, 5), (1 << 62, MAX_TIME_MS)])
def test_a_records_time_is_brought_into_range(time_ms: int, kept: int) -> None:
    assert within_range(time_ms) == kept
