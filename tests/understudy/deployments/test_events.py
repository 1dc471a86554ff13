from __future__ import annotations

from io import BytesIO
from pathlib import Path

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.contracts import contract
from schemas.single_object import encode as encode_row
from understudy.deployments.errors import NotAnEvent
from understudy.deployments.events import Draft, Event, decode, encode
from understudy.deployments.plan import Canary, Plan

HEADER_BYTES = 10
PLAN = Plan(3, "delay:v1", ("delay:v4",), Canary("delay:v2", 50_000), salt=(1 << 63) - 1)
EVENT = Event(
    "5f0c", 7, "planned", 1_700_000_000_123, "ann@laptop", "a try", "delay:v2", None, "canary", PLAN, {"forced": "size"}
)
EVENTS = st.builds(
    Event,
    id=st.text(),
    sequence=st.integers(-(1 << 63), (1 << 63) - 1),
    kind=st.text(),
    time_ms=st.integers(0, 1 << 50),
    actor=st.text(),
    reason=st.text(),
    version=st.none() | st.text(),
    sha256=st.none() | st.text(),
    action=st.none() | st.text(),
    plan=st.none() | st.just(PLAN) | st.just(Plan.basic(1, "delay:v1")),
    details=st.dictionaries(st.text(), st.text(), max_size=3),
)


@given(EVENTS)
def test_what_is_written_is_read(event: Event) -> None:
    assert decode(encode(event)) == event


def test_others_read_it_by_the_published_schema() -> None:
    schema = fastavro.schema.load_schema(str(Path(__file__).parents[3] / "schemas" / "deployment.avsc"))
    row = fastavro.schemaless_reader(BytesIO(encode(EVENT)[HEADER_BYTES:]), schema, None)

    assert isinstance(row, dict)
    assert (row["kind"], row["action"], row["sequence"], row["version"]) == ("planned", "canary", 7, "delay:v2")
    assert row["plan"]["canary"] == {"version": "delay:v2", "share_ppm": 50_000, "mirrored": True}
    assert row["time"].isoformat(timespec="milliseconds") == "2023-11-14T22:13:20.123+00:00"


def test_a_draft_is_signed() -> None:
    draft = Draft("planned", "a try", "delay:v2", action="canary", plan=PLAN, details={"forced": "size"})

    assert draft.signed("5f0c", 7, 1_700_000_000_123, "ann@laptop") == EVENT


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "the record has no value"),
        (b"", "the value is empty"),
        (b"hello", "not with C3 01"),
        (b"\xc3\x01" + bytes(8), "no known schema"),
        (encode(EVENT)[:-5], "end"),
        (encode(EVENT) + b"\0", "left"),
    ],
)
def test_what_is_no_event_is_named(value: bytes | None, message: str) -> None:
    with pytest.raises(NotAnEvent, match=message):
        decode(value)


def test_a_plan_that_cannot_be_is_no_event() -> None:
    row = {
        "id": "x",
        "sequence": 1,
        "kind": "planned",
        "time": 0,
        "actor": "x",
        "plan": {"revision": 0, "production": "delay:v1", "canary": None, "shadows": [], "salt": 0},
    }
    with pytest.raises(NotAnEvent, match="revision is 0"):
        decode(encode_row(contract("deployment"), row))
