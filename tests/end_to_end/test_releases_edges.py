"""Releases and what else happens to topics: no traffic, growth, what was left behind, positions that are gone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import TopicPartition as At
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions
from support.checking.checker import check
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.release_rig import PRODUCTION, produce, release

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.checking.rows import Route
    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka

CANARY = "sums:v2"


def test_partitions_without_traffic_cut_over_as_well(make_release: Callable[..., Endpoint], observer: Observer) -> None:
    endpoint = make_release()
    release(endpoint, PRODUCTION, "basic")
    endpoint.start("router-0", "router")
    endpoint.start("production-0", "worker", PRODUCTION)
    produce(endpoint, 100, partition=0)
    until(lambda: endpoint.answered(PRODUCTION) == 100, PATIENCE_S, "answers")
    release(endpoint, CANARY, "canary", "--share", "50")
    endpoint.start("canary-0", "worker", CANARY)
    endpoint.run("deploy", CANARY, "--strategy", "canary", "--share", "60")
    produce(endpoint, 100, partition=0)
    endpoint.run("promote", CANARY)
    endpoint.start("comparator-0", "comparator")
    until(partial(is_at_rest, observer, endpoint.name, 200), PATIENCE_S, "everything to be counted")

    evidence = read(observer, endpoint.name)
    assert check(evidence) == []
    changes = [("adopted", 1), ("adopted", 2), ("adopted", 3), ("adopted", 4), ("end", 4), ("end", 4)]
    for partition in (1, 2, 3):
        assert sorted(map(kind_and_revision, evidence.routes[partition])) == changes


def kind_and_revision(row: Route) -> tuple[str, int]:
    return row.kind, row.revision


def test_the_input_grows_beside_a_canary(make_release: Callable[..., Endpoint], observer: Observer) -> None:
    endpoint = make_release(partitions=8)
    release(endpoint, PRODUCTION, "basic")
    release(endpoint, CANARY, "canary", "--share", "30")
    for slot, arguments in {
        "router-0": ("router",),
        "router-1": ("router",),
        "production-0": ("worker", PRODUCTION),
        "canary-0": ("worker", CANARY),
        "comparator-0": ("comparator",),
    }.items():
        endpoint.start(slot, *arguments)
    produce(endpoint, 2_000)
    until(lambda: endpoint.answered(CANARY) > 0, PATIENCE_S, "the canary's answers")
    grow(endpoint, 16)
    produce(endpoint, 4_000)
    until(partial(is_at_rest, observer, endpoint.name, 6_000), PATIENCE_S, "everything to be counted")

    evidence = read(observer, endpoint.name)
    assert check(evidence) == []
    assert set(evidence.predictions) == set(range(16))
    assert {row.routed_version for row in evidence.predictions[15]} == {PRODUCTION, CANARY}


def grow(endpoint: Endpoint, partitions: int) -> None:
    topic = f"{endpoint.name}.input"
    admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})  # its answers come as long as it is held
    admin.create_partitions([NewPartitions(topic, partitions)])[topic].result(timeout=30)


def test_a_position_that_is_gone_is_not_guessed(make_release: Callable[..., Endpoint]) -> None:
    endpoint = routed(make_release)
    admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})
    for group in (f"{endpoint.name}.router", f"{endpoint.name}.worker.sums.v1"):
        admin.delete_consumer_groups([group])[group].result(timeout=30)

    for command in (("router",), ("worker", PRODUCTION)):
        done = endpoint.run(*command, "--slot", "0", check=False)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "positions restore" in done.stderr


def test_a_position_that_retention_passed_is_not_guessed(make_release: Callable[..., Endpoint]) -> None:
    endpoint = routed(make_release)
    produce(endpoint, 2_000)
    admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})
    gone = [At(f"{endpoint.name}.input", partition, -1) for partition in range(4)]
    for deleted in admin.delete_records(gone).values():
        deleted.result(timeout=30)
    produce(endpoint, 2_000)

    done = endpoint.run("router", "--slot", "0", check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "positions restore" in done.stderr


def routed(make_release: Callable[..., Endpoint]) -> Endpoint:
    """An endpoint that has answered, and where nothing runs any more."""
    endpoint = make_release()
    release(endpoint, PRODUCTION, "basic")
    endpoint.start("router", "router")
    endpoint.start("production", "worker", PRODUCTION)
    produce(endpoint, 2_000)
    until(lambda: endpoint.answered(PRODUCTION) == 2_000, PATIENCE_S, "every answer")
    assert [endpoint.stop(slot) for slot in ("router", "production")] == [0, 0]
    return endpoint
