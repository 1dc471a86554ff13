from __future__ import annotations

import pytest

from workers.events import MAX_TIME_MS, EventFields

CREATED_MS = 1_700_000_000_000


def test_without_named_fields_only_the_record_speaks() -> None:
    details = EventFields().details([{"event_id": "e1"}, {}], [CREATED_MS, CREATED_MS + 1])

    assert list(details.event_times_ms) == [CREATED_MS, CREATED_MS + 1]
    assert list(details.event_ids) == [None, None]
    assert list(details.slices) == [{}, {}]


def test_named_fields_are_taken_from_the_event() -> None:
    fields = EventFields(event_id="id", event_time="at", slices=("origin", "late", "hour"))

    details = fields.details([{"id": 17, "at": 5_000, "origin": "JFK", "late": True, "hour": 7}], [CREATED_MS])

    assert details == ([5_000], ["17"], [{"origin": "JFK", "late": "true", "hour": "7"}])


def test_missing_and_null_fields_are_left_out() -> None:
    fields = EventFields(event_id="id", event_time="at", slices=("origin", "dest"))

    assert fields.details([{"at": None, "dest": None}, {}], [CREATED_MS] * 2) == (
        [CREATED_MS] * 2,
        [None, None],
        [{}, {}],
    )


@pytest.mark.parametrize("value", [True, 3.5, "2013-01-01", -1, MAX_TIME_MS + 1, None])
def test_what_is_no_time_leaves_the_record_its_own(value: object) -> None:
    assert list(EventFields(event_time="at").details([{"at": value}], [CREATED_MS]).event_times_ms) == [CREATED_MS]


def test_finer_units_become_milliseconds() -> None:
    fields = EventFields(event_time="at", units_per_ms=1_000)

    assert list(fields.details([{"at": 1_234_999}], [0]).event_times_ms) == [1_234]


def test_long_texts_are_cut() -> None:
    fields = EventFields(event_id="id", slices=("s", "b"))

    [event_id], [slices] = fields.details([{"id": "i" * 5_000, "s": "x" * 900, "b": b"\x01"}], [0])[1:]

    assert (len(event_id or ""), len(slices["s"]), slices["b"]) == (1_000, 200, "01")


def test_a_records_time_is_brought_into_range() -> None:
    times_ms = EventFields().details([{}] * 3, [-1, 5, 1 << 62]).event_times_ms

    assert list(times_ms) == [0, 5, MAX_TIME_MS]
