"""The checker that the tests of releases rely on: it finds nothing where nothing is wrong, and each planted fault."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from support.checking.checker import check
from support.checking.plans import Withdrawals, hashes
from support.checking.rows import Lane, Planned
from support.checking.synthetic import Change, World, comparison, neighbours, plan, swapped

from understudy.deployments.routing import bucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.checking.rows import Answer, Evidence, Route

    Spoil = Callable[[Evidence], Evidence]

BASIC = Change(0, "basic", plan(1, "m:v1"))
SHADOWED = Change(100, "shadow", plan(2, "m:v1", ["m:v4"]))
CANARY = Change(200, "canary", plan(3, "m:v1", ["m:v4", "m:v3"], ("m:v2", 300_000, True)))
UNMIRRORED = Change(300, "canary", plan(4, "m:v1", ["m:v4"], ("m:v2", 500_000, False)))
ROLLED_BACK = Change(400, "rollback", plan(5, "m:v1", ["m:v4"]))
PROMOTED = Change(500, "promote", plan(6, "m:v4"))
CHANGES = (BASIC, SHADOWED, CANARY, UNMIRRORED, ROLLED_BACK, PROMOTED)

RECLAIMED = World(600, (*CHANGES[:4], ROLLED_BACK), reclaimed={"m:v2": 350, "m:v3": 250}, failing=frozenset({7, 250}))
WORLDS = {
    "many changes": World(600, CHANGES, failing=frozenset({7, 250})),
    "reclaimed": RECLAIMED,
    "an excluded canary": World(600, CHANGES, excluded=frozenset({("m:v2", 3), ("m:v2", 4)})),
    "an excluded shadow": World(600, CHANGES, excluded=frozenset({("m:v4", revision) for revision in range(2, 6)})),
    "a record only": World(1, (BASIC,)),
    "nothing": World(0, (BASIC,)),
}


@pytest.fixture
def clean() -> Evidence:
    return RECLAIMED.evidence()


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS.keys())
def test_it_finds_nothing_where_nothing_is_wrong(world: World) -> None:
    assert check(world.evidence()) == []


def test_it_hashes_as_the_router_does() -> None:
    noise = random.Random(3)
    keys = {at: None if at % 7 == 0 else noise.randbytes(noise.randrange(40)) for at in range(0, 2_000, 2)}

    hashed = hashes(keys, 2_001, 5, 2**63 - 1)

    assert {at: hashed[at] for at in keys} == {at: bucket(key, 2**63 - 1, 5, at) for at, key in keys.items()}
    assert set(hashed[1::2]) == {-1}


def answers(change: Callable[[list[Answer]], list[Answer]], topic: str = "predictions") -> Spoil:
    """Changes partition 1 of a topic."""

    def spoil(clean: Evidence) -> Evidence:
        if topic == "predictions":
            return replace(clean, predictions={**clean.predictions, 1: change(list(clean.predictions[1]))})
        return replace(
            clean, shadow_predictions={**clean.shadow_predictions, 1: change(list(clean.shadow_predictions[1]))}
        )

    return spoil


def one_answer(topic: str = "predictions", at: int = 10, **fields: Any) -> Spoil:
    """Changes one row of partition 1."""
    return answers(lambda rows: [*rows[:at], rows[at]._replace(**fields), *rows[at + 1 :]], topic)


def routes(change: Callable[[list[Route]], list[Route]]) -> Spoil:
    """Changes partition 1 of routes."""
    return lambda clean: replace(clean, routes={**clean.routes, 1: change(list(clean.routes[1]))})


def without(rows: list[Any], number: int) -> list[Any]:
    return rows[:number] + rows[number + 1 :]


def first(rows: list[Route], **wanted: object) -> int:
    return next(i for i, row in enumerate(rows) if all(getattr(row, name) == value for name, value in wanted.items()))


def changed(rows: list[Route], number: int, **fields: Any) -> list[Route]:
    return [*rows[:number], rows[number]._replace(**fields), *rows[number + 1 :]]


def reclaimed_by(version: str) -> Spoil:
    """Another version stands in for the one that was taken back."""

    def change(rows: list[Answer]) -> list[Answer]:
        return [
            row if row.answered_version == row.routed_version else row._replace(answered_version=version)
            for row in rows
        ]

    return answers(change)


def comparisons(clean: Evidence) -> list[Any]:
    assert clean.comparisons is not None
    return list(clean.comparisons)


FAULTS: dict[str, tuple[Spoil, set[str]]] = {
    "an answer dropped": (answers(lambda rows: without(rows, 10)), {"unanswered", "wrong_ledger"}),
    "an answer doubled": (answers(lambda rows: [*rows[:11], *rows[10:]]), {"answered_twice"}),
    "an answer doubled later": (answers(lambda rows: [*rows, rows[10]]), {"answered_twice", "revision_back"}),
    "answers swapped": (answers(lambda rows: swapped(rows, neighbours(rows))), {"out_of_order"}),
    "answers of each other's record": (
        answers(lambda rows: [*rows[:10], *[row._replace(key=b"other") for row in rows[10:11]], *rows[11:]]),
        {"wrong_key"},
    ),
    "no key": (one_answer(key=None), {"wrong_key"}),
    "another version answered": (one_answer(answered_version="m:v2"), {"wrong_version"}),
    "routed to another": (one_answer(routed_version="m:v2"), {"answer_not_routed", "unanswered", "wrong_ledger"}),
    "reclaimed by another than production": (reclaimed_by("m:v3"), {"wrong_version"}),
    "another partition": (one_answer(source_partition=0), {"wrong_partition", "unanswered", "wrong_ledger"}),
    "a record that there is not": (
        one_answer(source_offset=9_999),
        {"answer_of_nobodys", "unanswered", "wrong_ledger"},
    ),
    "a revision of its own": (one_answer(at=300, revision=9), {"wrong_revision", "revision_back"}),
    "a share of its own": (one_answer(share_ppm=1), {"wrong_row"}),
    "a range where users want answers": (one_answer(outcome="withdrawn"), {"wrong_version", "wrong_ledger"}),
    "a shadow's answer dropped": (
        answers(lambda rows: without(rows, 10), "shadow_predictions"),
        {"unanswered", "wrong_ledger", "wrong_pairs"},
    ),
    "a shadow's answer that others are said to have given": (
        one_answer("shadow_predictions", answered_version="m:v1"),
        {"wrong_version", "wrong_pairs"},
    ),
    "a shadow answer leaked": (
        lambda clean: replace(
            clean, predictions={**clean.predictions, 1: [*clean.predictions[1], clean.shadow_predictions[1][0]]}
        ),
        {"wrong_lane", "answered_twice", "answer_not_routed"},
    ),
    "a withdrawn range twice": (answers(lambda rows: [*rows, rows[-1]], "shadow_predictions"), {"answered_twice"}),
    "a frame never routed": (
        routes(lambda rows: without(rows, first(rows, kind="frame", revision=3))),
        {"not_routed", "answer_not_routed", "wrong_ledger"},
    ),
    "a frame routed twice": (
        routes(lambda rows: [*rows[:2], *rows[1:]]),
        {"routed_twice", "out_of_order"},
    ),
    "a frame to a lane that is not the plan's": (
        routes(lambda rows: changed(rows, 1, version="m:v2")),
        {"wrongly_routed", "not_routed", "wrong_row"},
    ),
    "a frame of the plan before": (
        routes(lambda rows: changed(rows, first(rows, kind="frame", revision=3), revision=2)),
        {"wrong_revision", "not_routed"},
    ),
    "a count that is not the bitmap's": (routes(lambda rows: changed(rows, 1, records=3)), {"wrong_row"}),
    "records that there are not": (routes(lambda rows: changed(rows, 1, base_offset=900)), {"routed_nobodys"}),
    "a plan that goes back": (
        routes(lambda rows: [*rows, rows[0]._replace(base_offset=600)]),
        {"revision_back"},
    ),
    "a plan that nobody planned": (
        routes(lambda rows: changed(rows, 0, plan={**plan(1, "m:v1"), "salt": 12})),
        {"wrong_plan"},
    ),
    "no end": (routes(lambda rows: without(rows, first(rows, kind="end"))), {"wrong_end"}),
    "an end too many": (
        routes(lambda rows: [*rows, rows[first(rows, kind="end")]._replace(revision=5)]),
        {"wrong_end"},
    ),
    "a letter lost": (lambda clean: replace(clean, letters=clean.letters[1:]), {"wrong_letters"}),
    "a letter doubled": (lambda clean: replace(clean, letters=[*clean.letters, clean.letters[0]]), {"wrong_letters"}),
    "a comparison counted twice": (
        lambda clean: replace(clean, comparisons=[*comparisons(clean), comparisons(clean)[0]]),
        {"wrong_ledger"},
    ),
    "a pair counted twice": (
        lambda clean: replace(clean, comparisons=[*comparisons(clean), comparisons(clean)[-1]]),
        {"wrong_pairs"},
    ),
    "a comparison lost": (lambda clean: replace(clean, comparisons=comparisons(clean)[1:]), {"wrong_ledger"}),
    "something missing": (
        lambda clean: replace(
            clean, comparisons=[*comparisons(clean), comparison(1, Lane("m:v1", "answering"), 1, "missing", 1)]
        ),
        {"residual"},
    ),
}


@pytest.mark.parametrize(("spoil", "kinds"), FAULTS.values(), ids=FAULTS.keys())
def test_it_finds_a_planted_fault(clean: Evidence, spoil: Spoil, kinds: set[str]) -> None:
    found = check(spoil(clean))

    assert kinds <= {finding.kind for finding in found}
    assert all(finding.times and finding.example for finding in found)


def test_a_canary_share_that_is_not_the_functions_is_found() -> None:
    world = World(600, CHANGES)
    wrong = [replace(change, plan=_with_share(change.plan, 310_000)) for change in CHANGES]

    found = check(replace(world.evidence(), routes=World(600, wrong).evidence().routes))

    assert {"wrong_plan", "answer_not_routed", "unanswered"} <= {finding.kind for finding in found}


def test_a_lane_that_was_excluded_stays_out() -> None:
    evidence = World(600, CHANGES, excluded=frozenset({("m:v2", 3)})).evidence()

    assert {finding.kind for finding in check(evidence)} == {"wrongly_routed"}


def test_300_000_records_take_well_under_a_minute() -> None:
    changes = [replace(change, begin=change.begin * 100) for change in CHANGES]
    evidence = World(60_000, changes, partitions=5).evidence()

    began = time.process_time()
    found = check(evidence)

    assert found == []
    assert time.process_time() - began < 30


def test_who_may_stand_in_for_a_version_follows_from_the_events() -> None:
    events = (
        Planned("basic", plan(1, "m:v1")),
        Planned("canary", plan(2, "m:v1", canary=("m:v2", 1_000, True))),
        Planned("rollback", plan(3, "m:v1")),
        Planned("basic", plan(4, "m:v3")),
        Planned("withdrawn", plan(4, "m:v3"), "m:v1"),
        Planned("promote", plan(5, "m:v4")),
        Planned("rollback", plan(6, "m:v3")),
    )
    withdrawals = Withdrawals(events)

    assert withdrawals.answerers("m:v2", 2) == {"m:v1", "m:v3", "m:v4"}
    assert withdrawals.answerers("m:v1", 1) == {"m:v3", "m:v4"}
    assert withdrawals.answerers("m:v4", 5) == {"m:v3"}
    assert withdrawals.answerers("m:v3", 6) == set()
    assert Withdrawals(events[:4]).answerers("m:v1", 3) == set(), "it retired, and drains its lanes itself"


def _with_share(plan: Any, share_ppm: int) -> Any:
    return plan if plan["canary"] is None else {**plan, "canary": {**plan["canary"], "share_ppm": share_ppm}}
