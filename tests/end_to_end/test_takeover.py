"""Instances that are paused, brokers that are killed, topics that ran empty: what comes out is exact all the same."""

from __future__ import annotations

import signal
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient
from support.endpoint import until
from support.observer import Observer, Rows

from understudy.app.brokers.local import running_broker, start, stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from support.endpoint import Endpoint

    Produce = Callable[[Endpoint, int], None]

pytestmark = pytest.mark.kafka

PRODUCTION = "flights:v1"
SHADOW = "flights:v4"
ROLES = {
    "router": ("router",),
    "production": ("worker", PRODUCTION),
    "shadow": ("worker", SHADOW),
    "comparator": ("comparator",),
}
READERS = {
    "worker.flights.v1": ("flights.v1.requests",),
    "worker.flights.v4": ("flights.v4.shadow-requests",),
    "comparator": ("routes", "predictions", "shadow-predictions"),
}
"""Groups, and the topics with transactions that they read."""

PART = 4_000


def start_roles(endpoint: Endpoint, number: int) -> list[str]:
    """Start an instance of every role; their slots."""
    slots = [f"{role}-{number}" for role in ROLES]
    for slot, arguments in zip(slots, ROLES.values(), strict=True):
        endpoint.start(slot, *arguments)
    return slots


def check(endpoint: Endpoint, observer: Observer, events: int) -> None:
    """Every input record is answered once by each version, in order, and compared once; nobody shows a traceback."""
    sent = {(seen.partition, seen.offset) for seen in observer.records(f"{endpoint.name}.input")}
    assert len(sent) == events
    labels = [answers(observer, f"{endpoint.name}.{topic}") for topic in ("predictions", "shadow-predictions")]
    assert [each.keys() for each in labels] == [sent, sent]
    assert pairs(observer, f"{endpoint.name}.comparisons") == Counter(
        "matched" if labels[0][at] == labels[1][at] else "mismatched" for at in sent
    )
    assert endpoint.status()["ledger"] == {
        "routed": 2 * events,
        "accounted": 2 * events,
        "in_flight": 0,
        "residual": 0,
    }
    logged = {slot: endpoint.logged(slot) for slot in endpoint.processes}
    assert {slot: lines for slot, lines in logged.items() if "Traceback" in lines} == {}


def answers(observer: Observer, topic: str) -> dict[tuple[int, int], object]:
    """The label of every input record."""
    decoder = Rows("prediction")
    found: dict[tuple[int, int], object] = {}
    last: dict[int, int] = {}
    for seen in observer.records(topic):
        row = decoder.decode(seen.value)
        assert row["source_partition"] == seen.partition
        assert row["source_offset"] > last.get(seen.partition, -1), f"{topic}: doubled or out of order"
        last[seen.partition] = row["source_offset"]
        found[seen.partition, row["source_offset"]] = row["label"]
    return found


def pairs(observer: Observer, topic: str) -> Counter[str]:
    """Compared records by kind."""
    decoder = Rows("comparison")
    found: Counter[str] = Counter()
    for row in (decoder.decode(seen.value) for seen in observer.records(topic)):
        if row["against"] is not None and row["slice"] is None:
            found.update(row["counts"])
    return +found


def test_instances_that_were_paused_beyond_their_sessions_add_nothing_when_they_wake(
    flights_endpoint: Callable[..., Endpoint], observer: Observer, produce_flights: Produce
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW])
    paused = start_roles(endpoint, 0)
    produce_flights(endpoint, PART)
    until(lambda: endpoint.compared(SHADOW) > 0, 60, "the first pairs")
    produce_flights(endpoint, PART)
    for slot in paused:
        endpoint.processes[slot].send_signal(signal.SIGSTOP)

    others = start_roles(endpoint, 1)
    until(lambda: endpoint.compared(SHADOW) >= 2 * PART, 90, "the others have taken over")
    for slot in paused:
        endpoint.processes[slot].send_signal(signal.SIGCONT)
    produce_flights(endpoint, PART)
    until(lambda: endpoint.compared(SHADOW) >= 3 * PART, 90, "every pair")

    assert [endpoint.processes[slot].poll() for slot in (*paused, *others)] == [None] * 8, "they go on side by side"
    assert [endpoint.stop(slot) for slot in others] == [0] * 4
    produce_flights(endpoint, PART)
    until(lambda: endpoint.compared(SHADOW) >= 4 * PART, 90, "those that were paused go on alone")
    check(endpoint, observer, 4 * PART)


def test_roles_start_again_after_retention_has_emptied_every_topic_that_they_read(
    flights_endpoint: Callable[..., Endpoint], produce_flights: Produce
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW])
    slots = start_roles(endpoint, 0)
    produce_flights(endpoint, PART)
    until(lambda: endpoint.compared(SHADOW) >= PART, 60, "every pair")
    admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})
    # The deployments are kept for ever; the comparisons nobody reads on.
    kept = {f"{endpoint.name}.deployments", f"{endpoint.name}.comparisons"}
    read = [
        At(name, partition, -1)
        for name, topic in admin.list_topics(timeout=10).topics.items()
        if name.startswith(f"{endpoint.name}.") and name not in kept
        for partition in topic.partitions
    ]
    for group, topics in READERS.items():
        until(partial(positions_are_at_the_end, endpoint, group, topics), 30, f"{group} behind the last markers")
    assert [endpoint.stop(slot) for slot in slots] == [0] * 4
    for deleted in admin.delete_records(read).values():
        deleted.result(timeout=30)

    start_roles(endpoint, 0)
    produce_flights(endpoint, PART)
    until(lambda: endpoint.compared(SHADOW) >= 2 * PART, 60, "every later pair")

    assert endpoint.compared(SHADOW) == 2 * PART
    assert endpoint.status()["ledger"]["residual"] == 0


def positions_are_at_the_end(endpoint: Endpoint, group: str, topics: Sequence[str]) -> bool:
    """Whether a group's positions are where the topics end, the markers of transactions included."""
    name = endpoint.name
    consumer = Consumer({"bootstrap.servers": endpoint.bootstrap, "group.id": f"{name}.{group}"})
    partitions = [
        At(topic, partition)
        for topic in (f"{name}.{stem}" for stem in topics)
        for partition in consumer.list_topics(topic, timeout=10).topics[topic].partitions
    ]
    committed = [at.offset for at in consumer.committed(partitions, timeout=10)]
    ends = [consumer.get_watermark_offsets(at, timeout=10)[1] for at in partitions]
    consumer.close()
    return committed == ends


def test_a_broker_that_is_killed_amid_work_and_comes_back_costs_nothing(
    unprovisioned: Callable[..., Endpoint], tmp_path: Path, produce_flights: Produce
) -> None:
    with running_broker(tmp_path / "broker") as broker:
        endpoint = unprovisioned(broker.bootstrap)
        endpoint.run("topics")
        endpoint.release(PRODUCTION, SHADOW)
        slots = start_roles(endpoint, 0)
        produce_flights(endpoint, PART)
        until(lambda: endpoint.answered(PRODUCTION) > 0, 60, "work")
        stop(broker.folder, grace_s=0)
        assert start(broker.folder).bootstrap == broker.bootstrap
        produce_flights(endpoint, PART)
        until(lambda: endpoint.compared(SHADOW) >= 2 * PART, 120, "every pair")

        observer = Observer(broker.bootstrap)
        check(endpoint, observer, 2 * PART)
        observer.close()
        assert [endpoint.stop(slot) for slot in slots] == [0] * 4
