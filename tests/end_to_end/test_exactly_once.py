"""200,000 flights through router, two versions and comparator on real Kafka, counted by another client."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from support.endpoint import until
from support.observer import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka

EVENTS = 200_000
PRODUCTION = "flights:v1"
SHADOW = "flights:v4"
ROLES = {
    "router-0": ("router",),
    "production-0": ("worker", PRODUCTION),
    "shadow-0": ("worker", SHADOW),
    "comparator-0": ("comparator",),
}
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One input record."""

    key: bytes | None
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What a lane said about one input record."""

    label: bool
    late: float


At = tuple[int, int]
"""Partition and offset of an input record."""


@pytest.mark.parametrize("killed", [(), tuple(ROLES)], ids=["undisturbed", "every role killed once"])
def test_each_event_is_answered_exactly_once(
    flights_endpoint: Callable[[str, list[str]], Endpoint],
    observer: Observer,
    produce_flights: Callable[[Endpoint, int], None],
    killed: tuple[str, ...],
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW])
    part = EVENTS // (len(killed) + 1)
    for slot, arguments in ROLES.items():
        endpoint.start(slot, *arguments)
    for number, slot in enumerate(killed):
        produce_flights(endpoint, part)
        until(partial(is_amid, endpoint, slot, number * part), 120, f"{slot} is at work")
        endpoint.kill(slot)
        endpoint.start(slot, *ROLES[slot])
    produce_flights(endpoint, part)
    until(lambda: endpoint.compared(SHADOW) >= EVENTS, 300, f"{EVENTS:,} pairs")

    sent = {
        (seen.partition, seen.offset): Sent(seen.key, seen.timestamp_ms)
        for seen in observer.records(f"{endpoint.name}.input")
    }
    production = answers(observer, f"{endpoint.name}.predictions", sent, PRODUCTION)
    shadow = answers(observer, f"{endpoint.name}.shadow-predictions", sent, SHADOW)
    assert len(sent) == EVENTS
    assert production.keys() == sent.keys()
    assert shadow.keys() == sent.keys()

    compared = Compared.read(observer, f"{endpoint.name}.comparisons")
    assert compared.pairs == join(sent, production, shadow)
    assert compared.ledger == {
        (PRODUCTION, "answering"): {"routed": EVENTS, "answered": EVENTS},
        (SHADOW, "shadow"): {"routed": EVENTS, "answered": EVENTS},
    }
    assert compared.measured == EVENTS
    assert compared.difference == pytest.approx(
        math.fsum(shadow[at].late - production[at].late for at in sent), abs=1e-6
    )
    assert endpoint.status()["ledger"] == {
        "routed": 2 * EVENTS,
        "accounted": 2 * EVENTS,
        "in_flight": 0,
        "residual": 0,
    }
    assert [endpoint.stop(slot) for slot in ROLES] == [0, 0, 0, 0]


def is_amid(endpoint: Endpoint, slot: str, before: int) -> bool:
    """Whether a role works on what came after the first `before` events; a router is, as soon as they are there."""
    match slot:
        case "production-0":
            return endpoint.answered(PRODUCTION) > before
        case "shadow-0":
            return endpoint.answered(SHADOW) > before
        case "comparator-0":
            return endpoint.compared(SHADOW) > before
    return True


def answers(observer: Observer, topic: str, sent: Mapping[At, Sent], version: str) -> dict[At, Answered]:
    """Every answer by its input record, having checked partition, key, version, order and that none is doubled."""
    rows = Rows("prediction")
    found: dict[At, Answered] = {}
    last: dict[int, int] = {}
    for seen in observer.records(topic):
        row = rows.decode(seen.value)
        at = row["source_partition"], row["source_offset"]
        assert seen.partition == row["source_partition"]
        assert seen.key == sent[at].key
        assert row["outcome"] == "answered"
        assert row["routed_version"] == row["answered_version"] == version
        assert row["source_offset"] > last.get(seen.partition, -1), f"{topic}: {at} is doubled or out of order"
        last[seen.partition] = row["source_offset"]
        found[at] = Answered(row["label"], row["probabilities"][1])
    return found


def join(
    sent: Mapping[At, Sent], production: Mapping[At, Answered], shadow: Mapping[At, Answered]
) -> Counter[tuple[int, str]]:
    """Pairs by day and kind."""
    return Counter(
        (each.timestamp_ms // DAY_MS, "matched" if production[at].label == shadow[at].label else "mismatched")
        for at, each in sent.items()
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """All comparison rows, added up; zeros left out.

    pairs: by day and kind. ledger: by lane. measured, difference: pairs with two probabilities, and the sum of the
    shadow's minus production's.
    """

    pairs: Counter[tuple[int, str]]
    ledger: dict[tuple[str, str], dict[str, int]]
    measured: int
    difference: float

    @classmethod
    def read(cls, observer: Observer, topic: str) -> Compared:
        pairs: Counter[tuple[int, str]] = Counter()
        ledger: dict[tuple[str, str], Counter[str]] = {}
        fields: list[Mapping[str, Any]] = []
        decoder = Rows("comparison")
        for row in (decoder.decode(seen.value) for seen in observer.records(topic)):
            if row["against"] is None:
                ledger.setdefault((row["version"], row["role"]), Counter()).update(row["counts"])
            elif row["slice"] is None:
                day = int(row["block"].timestamp() * 1_000) // DAY_MS
                pairs.update({(day, kind): count for kind, count in row["counts"].items()})
                fields.append(row["fields"]["probabilities"])
        return cls(
            +pairs,
            {lane: dict(+counts) for lane, counts in ledger.items()},
            sum(field["measured"] for field in fields),
            math.fsum(field["sum_difference"] for field in fields),
        )
