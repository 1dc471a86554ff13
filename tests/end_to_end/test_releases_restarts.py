"""Instances that end, start and are scaled while the plan holds: nothing is lost, doubled, or waited for in vain."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.changes import longest_gap_s, pass_time
from support.checking.checker import check
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.load import Load, Watch
from support.release_rig import (
    OTHER,
    PRODUCTION,
    SWITCHABLE,
    encoded_events,
    produce,
    register_switchable,
    release,
)

from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka

SHADOW = "sums:v2"
FRAME_RECORDS = 10_000
MICRO_BATCH_RECORDS = 500
SESSION_TIMEOUT_S = 10.0
PER_S = 500


def test_of_two_shadows_one_is_dead_while_the_comparator_is_restarted(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    endpoint = make_release(sections="max_lag_records = 1_000\n")
    release(endpoint, PRODUCTION, "basic")
    release(endpoint, SHADOW, "shadow")
    release(endpoint, OTHER, "shadow")
    endpoint.start("router-0", "router")
    endpoint.start("production-0", "worker", PRODUCTION)
    endpoint.start("shadow-0", "worker", SHADOW)
    endpoint.start("comparator-0", "comparator")
    for number, end in enumerate((endpoint.kill, endpoint.stop, endpoint.kill), 1):
        produce(endpoint, 4_000)
        until(partial(is_compared, endpoint, SHADOW, number * 4_000), PATIENCE_S, "pairs of the shadow that lives")
        end("comparator-0")
        endpoint.start("comparator-0", "comparator")
    assert endpoint.compared(SHADOW) == 12_000

    endpoint.start("other-0", "worker", OTHER)
    until(partial(is_at_rest, observer, endpoint.name, 12_000), PATIENCE_S, "everything to be counted")
    assert check(read(observer, endpoint.name)) == []


def is_compared(endpoint: Endpoint, version: str, records: int) -> bool:
    return endpoint.compared(version) >= records


def test_a_slow_model_with_large_frames_makes_progress_across_restarts(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    endpoint = make_release(
        partitions=1,
        sections=f"[worker]\nmicro_batch_records = {MICRO_BATCH_RECORDS}\n[router]\nmerge_below_bytes = 4_000_000\n",
    )
    register_switchable(endpoint).write_text("sleep")
    release(endpoint, SWITCHABLE, "basic")
    produce(
        endpoint, FRAME_RECORDS, settings={"batch.size": "1000000", "linger.ms": "2000", "batch.num.messages": "20000"}
    )
    endpoint.start("router-0", "router")
    endpoint.start("comparator-0", "comparator")
    kills = 0
    with Watch(endpoint.bootstrap, endpoint.name) as watch:
        while watch.count < FRAME_RECORDS:
            before = watch.count
            endpoint.start("worker-0", "worker", SWITCHABLE)
            aim = min(FRAME_RECORDS, before + FRAME_RECORDS // 5)
            until(lambda aim=aim: watch.count >= aim, PATIENCE_S, "progress")  # type: ignore[misc] # mypy infers no default
            endpoint.kill("worker-0")
            kills += 1
    assert kills >= 4

    until(partial(is_at_rest, observer, endpoint.name, FRAME_RECORDS), PATIENCE_S, "everything to be counted")
    evidence = read(observer, endpoint.name)
    assert max(row.records for row in evidence.routes[0]) == FRAME_RECORDS
    assert check(evidence) == []


def test_four_slots_become_two_and_four_again_without_a_session_timeout(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    endpoint = make_release()
    release(endpoint, PRODUCTION, "basic")
    endpoint.start("router-0", "router")
    endpoint.start("comparator-0", "comparator")
    for number in range(4):
        endpoint.start(f"production-{number}", "worker", PRODUCTION)
    load = Load(endpoint.bootstrap, f"{endpoint.name}.input", encoded_events(), PER_S)
    with Watch(endpoint.bootstrap, endpoint.name) as watch, load:
        until(partial(is_owned_by, endpoint, 4), PATIENCE_S, "four workers with a partition each")
        begin_s, _ = pass_time(1.0)
        assert [endpoint.stop(f"production-{number}") for number in (2, 3)] == [0, 0]
        until(partial(is_owned_by, endpoint, 2), PATIENCE_S, "two workers with two each")
        for number in (2, 3):
            endpoint.start(f"production-{number}", "worker", PRODUCTION)
        until(partial(is_owned_by, endpoint, 4), PATIENCE_S, "four again")
        _, end_s = pass_time(2.0)
        sent = load.stop()
        until(lambda: watch.count >= sent, PATIENCE_S, "every answer")
        assert longest_gap_s(watch.answers(), begin_s, end_s) < SESSION_TIMEOUT_S / 2
    until(partial(is_at_rest, observer, endpoint.name, sent), PATIENCE_S, "everything to be counted")
    assert check(read(observer, endpoint.name)) == []


def is_owned_by(endpoint: Endpoint, members: int) -> bool:
    """Whether so many workers have all partitions between them."""
    with KafkaLog(endpoint.bootstrap).admin() as admin:
        found = admin.members(f"{endpoint.name}.worker.sums.v1")
    owned = [at for member in found for at in member.partitions]
    return sum(1 for member in found if member.partitions) == members and len({*owned}) == 8
