"""Supervisors on real Kafka: workers that are killed, a record that kills, two that reclaim, one that is killed."""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from support.endpoint import Endpoint, until
from support.observer import Rows
from support.producer import Producer
from support.release_rig import PRODUCTION, USER_CODE, encoded_events, examples, furnished, registry_of_sums
from support.small_endpoint import EVENT_SCHEMA, event

from schemas import single_object
from schemas.parsing import parse
from understudy.models import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.observer import Observer

pytestmark = pytest.mark.kafka

CANARY = "sums:v2"
FATAL_VERSION = "sums:fatal"
FATAL_A = 666.0
ENDLESS_A = 667.0
PARTITIONS = 4


@pytest.fixture
def endpoint(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Endpoint]:
    registry = tmp_path / "registry"
    registry_of_sums(registry)
    name = f"e{uuid4().hex[:12]}"
    made = furnished(tmp_path / name, name, kafka_bootstrap, registry, PARTITIONS, "")
    yield made
    made.close()


def produce(endpoint: Endpoint, count: int, *fatal: int, a: float = FATAL_A) -> None:
    """So many events; those with these numbers kill the model that is easily killed, or as `a` says."""
    producer = Producer(endpoint.bootstrap, f"{endpoint.name}.input")
    values = encoded_events()
    deadly = single_object.encode(parse(json.dumps(EVENT_SCHEMA), "Event"), {**event(0), "a": a})
    for number in range(count):
        value = deadly if number in fatal else values[number % len(values)]
        producer.send(f"k{number}".encode(), value, 1_700_000_000_000 + number)
    producer.flush()


def answers(observer: Observer, endpoint: Endpoint) -> dict[tuple[int, int], dict[str, Any]]:
    """Every row by its input record, having checked that none has two."""
    rows = Rows("prediction")
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for seen in observer.records(f"{endpoint.name}.predictions"):
        row = rows.decode(seen.value)
        at = row["source_partition"], row["source_offset"]
        assert at not in found, f"{at} is answered twice"
        found[at] = dict(row)
    return found


def workers_of(endpoint: Endpoint, version: str) -> list[int]:
    """Process ids of the workers of a version that the endpoint's supervisors run."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = command.read_text().split("\0")
            if version in words and any(word.startswith(f"{endpoint.name}-") for word in words):
                found.append(int(command.parent.name))
    return found


def supervise(endpoint: Endpoint, number: int = 0) -> str:
    slot = f"{endpoint.name}-{number}"
    endpoint.start(slot, "worker", "--follow")
    return slot


def test_production_that_is_killed_again_and_again_answers_every_record_once(
    endpoint: Endpoint, observer: Observer
) -> None:
    endpoint.start("router", "router")
    supervise(endpoint)
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic")
    for kills in range(4):
        [worker] = workers_of(endpoint, PRODUCTION)
        produce(endpoint, 2_000)
        os.kill(worker, signal.SIGKILL)
        until(partial(is_back, endpoint, worker), 30, f"the worker after kill {kills + 1}")

    until(lambda: endpoint.answered(PRODUCTION) >= 8_000, 90, "8,000 answers")

    rows = answers(observer, endpoint)
    assert len(rows) == 8_000
    assert {row["outcome"] for row in rows.values()} == {"answered"}
    assert "killed by SIGKILL" in endpoint.logged(f"{endpoint.name}-0")


def is_back(endpoint: Endpoint, killed: int) -> bool:
    return workers_of(endpoint, PRODUCTION) not in ([], [killed])


def register_fatal(endpoint: Endpoint) -> None:
    sys.path.append(str(USER_CODE))
    Fatal = importlib.import_module("fatal").Fatal  # noqa: N806 - the class
    inputs, labels = examples()
    registry, trusted = endpoint.folder / "models", ["fatal.Fatal"]
    model = Fatal().fit(inputs, labels)
    register(model, FATAL_VERSION, registry=registry, example=inputs, columns=["a", "b"], trusted=trusted)


def test_a_record_that_kills_its_worker_fails_alone(endpoint: Endpoint, observer: Observer) -> None:
    register_fatal(endpoint)
    endpoint.start("router", "router")
    supervise(endpoint)
    endpoint.run("deploy", FATAL_VERSION, "--strategy", "basic")

    produce(endpoint, 3_000, 700, 701, 2_000)

    until(lambda: endpoint.answered(FATAL_VERSION) >= 3_000, 90, "3,000 rows")
    rows = answers(observer, endpoint)
    failed = [row for row in rows.values() if row["outcome"] == "failed"]
    assert len(rows) == 3_000
    assert [row["error_kind"] for row in failed] == ["killed"] * 3
    assert {row["event_time"].timestamp() for row in failed} == {1_700_000_000 + ms / 1_000 for ms in (700, 701, 2_000)}
    assert "SIGKILL" in failed[0]["error"]


def test_a_record_that_hangs_its_worker_fails_alone(endpoint: Endpoint, observer: Observer) -> None:
    toml = endpoint.folder / "understudy.toml"
    endpoint.configure(toml.read_text() + "[health]\nstale_s = 4\n[worker]\nisolation_timeout_s = 2\n")
    register_fatal(endpoint)
    endpoint.start("router", "router")
    slot = supervise(endpoint)
    endpoint.run("deploy", FATAL_VERSION, "--strategy", "basic")

    produce(endpoint, 1_000, 700, a=ENDLESS_A)

    until(lambda: endpoint.answered(FATAL_VERSION) >= 1_000, 90, "1,000 rows")
    [failed] = [row for row in answers(observer, endpoint).values() if row["outcome"] == "failed"]
    assert failed["error"] == "the process that scored this record alone did not answer within 1 s"
    assert failed["event_time"].timestamp() == 1_700_000_000 + 0.7
    assert "hangs, and ends itself" in endpoint.logged(slot)


def test_two_supervisors_reclaim_what_a_canary_owes_without_a_fight(endpoint: Endpoint, observer: Observer) -> None:
    endpoint.start("router", "router")
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic", "--no-wait")
    endpoint.run("deploy", CANARY, "--strategy", "canary", "--share", "50", "--no-wait")
    produce(endpoint, 40_000)
    until(lambda: routed_to_canary(observer, endpoint) > 19_000, 60, "20,000 records for the canary")
    endpoint.run("rollback", CANARY)

    slots = [supervise(endpoint, number) for number in range(2)]

    until(lambda: endpoint.answered(PRODUCTION) + endpoint.answered(CANARY) >= 40_000, 120, "40,000 answers")
    rows = answers(observer, endpoint)
    owed = [row for row in rows.values() if row["routed_version"] == CANARY]
    assert len(rows) == 40_000
    assert len(owed) == routed_to_canary(observer, endpoint)
    assert {row["answered_version"] for row in rows.values()} == {PRODUCTION}
    until(lambda: not workers_of(endpoint, CANARY), 30, "the end of both reclaimers")
    until(lambda: all(endpoint.endings(slot, "reclaimer") for slot in slots), 30, "both supervisors to tell of it")
    assert {ending.then for slot in slots for ending in endpoint.endings(slot, "reclaimer")} == {"stopped"}


def routed_to_canary(observer: Observer, endpoint: Endpoint) -> int:
    routes = Rows("route")
    rows = [routes.decode(seen.value) for seen in observer.records(f"{endpoint.name}.routes")]
    return sum(row["count"] for row in rows if row["kind"] == "frame" and row["part"] == "canary")


def test_a_supervisor_that_is_killed_takes_its_workers_with_it(endpoint: Endpoint) -> None:
    endpoint.start("router", "router")
    slot = supervise(endpoint)
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic")
    assert len(workers_of(endpoint, PRODUCTION)) == 1

    endpoint.kill(slot)

    until(lambda: workers_of(endpoint, PRODUCTION) == [], 20, "the end of the worker")


def test_a_supervisor_that_is_told_to_stop_ends_its_workers_first(endpoint: Endpoint) -> None:
    endpoint.start("router", "router")
    slot = supervise(endpoint)
    endpoint.run("deploy", PRODUCTION, "--strategy", "basic")

    assert endpoint.stop(slot) == 0

    assert workers_of(endpoint, PRODUCTION) == []
