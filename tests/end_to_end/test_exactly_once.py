"""200,000 flights through router, two versions and comparator on real Kafka, counted by another client."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from support.endpoint import until
from support.observer import Observer, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.endpoint import Endpoint

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


@dataclass(frozen=True, slots=True)
class Answered:
    """What a lane said about one input record."""

    key: bytes | None
    label: object


@pytest.fixture
def endpoint(flights_endpoint: Callable[[str, list[str]], Endpoint]) -> Endpoint:
    return flights_endpoint(PRODUCTION, [SHADOW])


@pytest.fixture
def observer(kafka_bootstrap: str) -> Iterator[Observer]:
    observer = Observer(kafka_bootstrap)
    yield observer
    observer.close()


@pytest.mark.parametrize("killed", [(), tuple(ROLES)], ids=["undisturbed", "every role killed once"])
def test_each_event_is_answered_exactly_once(
    endpoint: Endpoint,
    observer: Observer,
    produce_flights: Callable[[Endpoint, int], None],
    killed: tuple[str, ...],
) -> None:
    start(endpoint)
    for part, slot in enumerate(killed, start=1):
        produce_flights(endpoint, EVENTS // (len(killed) + 1))
        wait_for_answers(endpoint, EVENTS * part // (len(killed) + 1) // 2)
        endpoint.kill(slot)
        endpoint.start(slot, *ROLES[slot])
    produce_flights(endpoint, EVENTS - len(killed) * (EVENTS // (len(killed) + 1)))
    wait_until_settled(endpoint)

    sent = {(seen.partition, seen.offset): seen.key for seen in observer.records(f"{endpoint.name}.input")}
    production = answers(observer, f"{endpoint.name}.predictions", sent, PRODUCTION)
    shadow = answers(observer, f"{endpoint.name}.shadow-predictions", sent, SHADOW)
    assert len(sent) == EVENTS
    assert production.keys() == sent.keys()
    assert shadow.keys() == sent.keys()

    join = Counter("matched" if production[at].label == shadow[at].label else "mismatched" for at in sent)
    compared = comparisons(observer, f"{endpoint.name}.comparisons")
    assert compared["pairs"] == {kind: count for kind, count in join.items() if count}
    assert compared[PRODUCTION, "answering"] == {"routed": EVENTS, "answered": EVENTS}
    assert compared[SHADOW, "shadow"] == {"routed": EVENTS, "answered": EVENTS}
    assert endpoint.status()["ledger"]["residual"] == 0
    assert [endpoint.stop(slot) for slot in ROLES] == [0, 0, 0, 0]


def start(endpoint: Endpoint) -> None:
    """Run every role."""
    for slot, arguments in ROLES.items():
        endpoint.start(slot, *arguments)


def wait_for_answers(endpoint: Endpoint, count: int) -> None:
    """Until production has answered so many records."""
    until(lambda: endpoint.answered(PRODUCTION) >= count, 120, f"{count:,} answers of {PRODUCTION}")


def wait_until_settled(endpoint: Endpoint) -> None:
    """Until every event is answered by both lanes and compared."""
    until(lambda: endpoint.compared(SHADOW) >= EVENTS, 300, f"{EVENTS:,} pairs")


def answers(
    observer: Observer, topic: str, sent: dict[tuple[int, int], bytes | None], version: str
) -> dict[tuple[int, int], Answered]:
    """Every answer by its input record, having checked partition, key, version, order and that none is doubled."""
    rows = Rows("prediction")
    found: dict[tuple[int, int], Answered] = {}
    last: dict[int, int] = {}
    for seen in observer.records(topic):
        row = rows.decode(seen.value)
        at = row["source_partition"], row["source_offset"]
        assert seen.partition == row["source_partition"]
        assert seen.key == sent[at]
        assert row["outcome"] == "answered"
        assert row["routed_version"] == row["answered_version"] == version
        assert row["source_offset"] > last.get(seen.partition, -1), f"{topic}: {at} is doubled or out of order"
        last[seen.partition] = row["source_offset"]
        found[at] = Answered(seen.key, row["label"])
    return found


def comparisons(observer: Observer, topic: str) -> dict[Any, dict[str, int]]:
    """The comparator's counts: the ledger's per lane, and the pairs' under "pairs"; zeros left out."""
    rows = Rows("comparison")
    counts: dict[Any, Counter[str]] = {}
    for seen in observer.records(topic):
        row = rows.decode(seen.value)
        if row["slice"] is None:
            name = (row["version"], row["role"]) if row["block"] is None else "pairs"
            counts.setdefault(name, Counter()).update(row["counts"])
    return {name: {kind: n for kind, n in counter.items() if n} for name, counter in counts.items()}
