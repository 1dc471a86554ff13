from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.supervising.wanted import Key, changes, wanted
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.supervising.life import State as Life

V1, V2 = "flights:v1", "flights:v2"


def state(**standings: Standing) -> State:
    return State(1, Plan(3, V1), {f"flights:{name}": each for name, each in standings.items()})


def keys(of: State, *there: Key, owes: bool = True) -> frozenset[Key]:
    return wanted(of, there, lambda _: not owes)


@pytest.mark.parametrize(
    ("standing", "kind"),
    [
        (Standing("production", "a"), "production"),
        (Standing("canary", "a"), "candidate"),
        (Standing("shadow", "a", paused="it died"), "candidate"),
        (Standing("prepared", "a", prepared_for="shadow"), "candidate"),
        (Standing("prepared", "a", prepared_for="production"), "production"),
        (Standing("canary", "a", prepared_for="production"), "production"),
    ],
)
def test_every_version_of_the_plan_and_every_prepared_one_has_a_worker(standing: Standing, kind: str) -> None:
    assert keys(state(v1=standing)) == {(V1, kind, 0)}


def test_a_retired_version_keeps_the_worker_that_it_has_until_it_owes_nothing() -> None:
    retired = state(v1=Standing("retired", "a"))
    candidate, production = Key(V1, "candidate"), Key(V1, "production")

    assert keys(retired) == {production}
    assert keys(retired, candidate) == {candidate}
    assert keys(retired, candidate, production) == {production}
    assert keys(retired, candidate, owes=False) == frozenset()


def test_while_it_is_not_known_what_a_version_owes_nobody_is_added_and_nobody_taken_away() -> None:
    left = state(v1=Standing("retired", "a"), v2=Standing("withdrawn", "b", since_revision=3))
    there = {Key(V1, "candidate"), Key(V2, "reclaimer", 3)}

    assert wanted(left, (), lambda _: None) == frozenset()
    assert wanted(left, there, lambda _: None) == there


def test_a_withdrawn_version_has_a_reclaimer_until_it_owes_nothing_or_is_pruned() -> None:
    withdrawn = Standing("withdrawn", "a", since_revision=7)

    assert keys(state(v1=withdrawn)) == {(V1, "reclaimer", 7)}
    assert keys(state(v1=withdrawn), owes=False) == frozenset()
    assert keys(state(v1=Standing("withdrawn", "a", pruned=True))) == frozenset()


PRODUCTION, CANDIDATE = Key(V1, "production"), Key(V1, "candidate")
RECLAIMER = Key(V1, "reclaimer", 7)


@pytest.mark.parametrize(
    ("needed", "lives", "launch", "stop"),
    [
        ({PRODUCTION}, {}, {PRODUCTION}, set()),
        ({PRODUCTION}, {PRODUCTION: "running"}, set(), set()),
        (set(), {PRODUCTION: "running"}, set(), {PRODUCTION}),
        ({PRODUCTION}, {CANDIDATE: "running"}, {PRODUCTION}, set()),
        ({PRODUCTION}, {CANDIDATE: "running", PRODUCTION: "starting"}, set(), set()),
        ({PRODUCTION}, {CANDIDATE: "running", PRODUCTION: "running"}, set(), {CANDIDATE}),
        ({RECLAIMER}, {CANDIDATE: "running"}, set(), {CANDIDATE}),
        ({RECLAIMER}, {CANDIDATE: "stopping"}, set(), {CANDIDATE}),
        ({RECLAIMER}, {}, {RECLAIMER}, set()),
        ({RECLAIMER}, {Key(V2, "candidate"): "running"}, {RECLAIMER}, {Key(V2, "candidate")}),
        ({CANDIDATE}, {RECLAIMER: "running"}, {CANDIDATE}, {RECLAIMER}),
        ({RECLAIMER}, {RECLAIMER._replace(revision=6): "running"}, set(), {RECLAIMER._replace(revision=6)}),
    ],
)
def test_workers_are_replaced_without_a_gap_and_reclaimers_wait_for_them_to_be_gone(
    needed: set[Key], lives: Mapping[Key, Life], launch: set[Key], stop: set[Key]
) -> None:
    assert changes(frozenset(needed), lives) == (frozenset(launch), frozenset(stop))
