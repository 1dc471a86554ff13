"""A canary under load: who gets which version, how soon a change takes effect, and what users notice of it."""

from __future__ import annotations

import logging
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.changes import Changes, effects_s, longest_gap_s, pass_time, planned_s, quantile
from support.checking.checker import check
from support.checking.plans import hashes
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.load import Load, Watch
from support.release_rig import PRODUCTION, encoded_events, release

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from support.checking.rows import Answer
    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka
log = logging.getLogger(__name__)

CANARY = "sums:v2"
RAMP_PERCENT = (1, 5, 25, 100)
CHANGES = 50
LONGEST_EFFECT_S = 1.0
LONGEST_MORE_S = 0.25
"""What changes may add to the longest time without visible answers."""

IDLE_PER_S = 50
BUSY_PER_S = 5_000
ROUNDS = 3
ROUND_S = 5.0


def started(make_release: Callable[..., Endpoint]) -> Endpoint:
    """An endpoint with v1 in production and v2 as a canary of 1 %, both ready."""
    endpoint = make_release()
    release(endpoint, PRODUCTION, "basic")
    release(endpoint, CANARY, "canary", "--share", str(RAMP_PERCENT[0]))
    endpoint.start("router-0", "router")
    endpoint.start("production-0", "worker", PRODUCTION)
    endpoint.start("canary-0", "worker", CANARY)
    endpoint.start("comparator-0", "comparator")
    return endpoint


def load_of(endpoint: Endpoint, per_s: float) -> Load:
    return Load(endpoint.bootstrap, f"{endpoint.name}.input", encoded_events(), per_s)


def test_a_ramp_under_load_gives_the_canary_its_keys_and_moves_none_back(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    endpoint = started(make_release)
    with Watch(endpoint.bootstrap, endpoint.name) as watch, load_of(endpoint, 2_000) as load:
        for revision, share in enumerate(RAMP_PERCENT, 2):
            if share != RAMP_PERCENT[0]:
                endpoint.run("deploy", CANARY, "--strategy", "canary", "--share", str(share))
            until(partial(is_answered_everywhere, watch, revision), PATIENCE_S, f"answers under revision {revision}")
        sent = load.stop()
        until(lambda: watch.count >= sent, PATIENCE_S, "every answer")
    until(lambda: is_at_rest(observer, endpoint.name, sent), PATIENCE_S, "everything to be counted")

    evidence = read(observer, endpoint.name)
    assert check(evidence) == []
    for partition, rows in evidence.predictions.items():
        keys = evidence.inputs[partition]
        (salt,) = {route.plan["salt"] for route in evidence.routes[partition] if route.plan and route.plan["canary"]}
        hashed = hashes(keys, max(keys) + 1, partition, salt)
        for revision, share in enumerate(RAMP_PERCENT, 2):
            own = {row.source_offset for row in rows if row.routed_version == CANARY and row.revision == revision}
            assert own == {
                row.source_offset
                for row in rows
                if row.revision == revision and hashed[row.source_offset] < share * 10_000
            }
        assert moved_back(rows) == set()


def is_answered_everywhere(watch: Watch, revision: int) -> bool:
    return len({answer.partition for answer in watch.answers() if answer.revision >= revision}) == 4


def moved_back(rows: Sequence[Answer]) -> set[bytes | None]:
    """The keys that production answered after the canary had."""
    taken: set[bytes | None] = set()
    back: set[bytes | None] = set()
    for row in sorted(rows, key=lambda row: row.source_offset):
        if row.routed_version == CANARY:
            taken.add(row.key)
        elif row.key in taken:
            back.add(row.key)
    return back


def test_a_change_takes_effect_within_a_second_and_users_hardly_notice(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    """Times without changes and with them take turns, so that both have the same neighbours on the machine."""
    endpoint = started(make_release)
    changes = Changes(endpoint.bootstrap, endpoint.name, CANARY)
    with Watch(endpoint.bootstrap, endpoint.name) as watch, load_of(endpoint, IDLE_PER_S) as load:
        until(lambda: is_keeping_up(watch), PATIENCE_S, "both versions' answers, soon after their events")
        idle = changes.several(watch, CHANGES)
        load.per_s = BUSY_PER_S
        busy: list[int] = []
        more_s = []
        for number in range(ROUNDS):
            quiet = pass_time(ROUND_S)
            begin_s = time.time()
            busy += changes.several(watch, CHANGES // ROUNDS + (number < CHANGES % ROUNDS))
            answers = watch.answers()
            with_changes = longest_gap_s(answers, begin_s, answers[-1].seen_s)
            more_s.append(with_changes - longest_gap_s(answers, *quiet))
        taken_s = effects_s(watch.answers(), planned_s(observer, endpoint.name))
    for revisions in (idle, busy):
        effects = sorted(taken_s[each] for each in revisions)
        log.info("a change took effect within: p50 %.3f s, p99 %.3f s", *(quantile(effects, at) for at in (0.5, 0.99)))
        assert len(effects) == CHANGES
        assert quantile(effects, 0.99) < LONGEST_EFFECT_S, effects
    log.info("longest time without answers, with changes more than without: %s", more_s)
    assert statistics.median(more_s) <= LONGEST_MORE_S, more_s


def is_keeping_up(watch: Watch) -> bool:
    """Whether both versions answer, and soon."""
    versions = {answer.version for answer in watch.answers()}
    return len(versions) > 1 and max(answer.latency_s for answer in watch.answers(IDLE_PER_S)) < LONGEST_EFFECT_S
