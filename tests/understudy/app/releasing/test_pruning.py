from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW

from understudy.app.releasing.orders import Order
from understudy.app.releasing.pruning import Gone, chosen, gone, left_ms, prune
from understudy.core.batches import Record, build
from understudy.core.log.contract import Output
from understudy.deployments.errors import Refused
from understudy.deployments.events import Draft, encode
from understudy.deployments.fold import Standing
from understudy.deployments.plan import Plan
from understudy.deployments.reading import History

if TYPE_CHECKING:
    from support.releasing import World

LANES = ("sums.sums.v2.requests", "sums.sums.v2.shadow-requests")


@pytest.fixture
def left(world: World) -> World:
    """A version that was a shadow, was sent nothing, and was taken back everywhere."""
    releases = world.releases()
    releases.deploy(Order(PRODUCTION, "basic"), wait=False)
    releases.deploy(Order(SHADOW, "shadow"), wait=False)
    releases.rollback(SHADOW, wait=False)
    world.adopt()
    return world


def found(world: World) -> list[Gone]:
    return gone(world.log, world.settings)


def there(world: World) -> set[str]:
    with world.log.admin() as admin:
        return set(admin.describe(LANES))


def test_topics_of_a_version_that_left_and_owes_nothing_are_deleted(left: World) -> None:
    (one,) = found(left)
    assert (one.version, one.topics, one.owes) == (SHADOW, LANES, "")

    prune(left.log, left.settings, "ann@desk", one, "tidy")

    assert there(left) == set()
    assert left.state().versions[SHADOW].pruned
    assert found(left) == []


def test_a_version_that_is_released_is_not_looked_at(world: World) -> None:
    world.releases().deploy(Order(PRODUCTION, "basic"), wait=False)

    assert found(world) == []


def test_what_is_owed_keeps_the_topics(left: World) -> None:
    with left.log.writer("test") as writer:
        assert writer.commit([Output(LANES[1], 2, build([Record(None, b"frame", 0)]))])

    (one,) = found(left)

    assert one.owes == (
        "it waits for what sums:v2 still owes to be answered: let understudy worker --follow run until that is done"
    )


def test_what_was_sent_to_a_lane_that_is_gone_is_owed_too(left: World) -> None:
    left.send(SHADOW, 40)
    with left.log.admin() as admin:
        admin.delete([LANES[1]])

    (one,) = found(left)

    assert (one.topics, "40 records that sums:v2 owed when its topics were deleted" in one.owes) == (LANES[:1], True)


def test_who_has_lost_the_positions_is_told_how_to_restore_them(left: World) -> None:
    left.owe(SHADOW)
    left.lose_positions(SHADOW)

    (one,) = found(left)

    assert "understudy positions restore sums:v2" in one.owes


def test_before_every_router_has_adopted_the_plan_more_may_come(world: World) -> None:
    releases = world.releases()
    releases.deploy(Order(PRODUCTION, "basic"), wait=False)
    releases.deploy(Order(SHADOW, "shadow"), wait=False)
    world.adopt()
    releases.rollback(SHADOW, wait=False)

    (one,) = found(world)

    assert "to be answered" in one.owes


def test_who_was_interrupted_can_go_on(left: World) -> None:
    (one,) = found(left)
    prune(left.log, left.settings, "ann@desk", replace(one, topics=()))  # as if it ended before the topics were deleted
    assert there(left) == set(LANES)

    (again,) = found(left)
    prune(left.log, left.settings, "ann@desk", again)

    assert (again.topics, again.owes) == (one.topics, "")
    assert there(left) == set()
    assert left.kinds().count("pruned") == 1


def test_a_version_that_comes_back_at_the_same_time_is_kept(left: World) -> None:
    (one,) = found(left)
    left.releases("bob@desk").deploy(Order(SHADOW, "shadow"), wait=False)

    with pytest.raises(Refused, match=f"{SHADOW} was released again since it was found to owe nothing"):
        prune(left.log, left.settings, "ann@desk", one)

    assert there(left) == set(LANES)


def test_a_version_that_came_back_and_left_again_may_owe_something_new(left: World) -> None:
    (one,) = found(left)
    releases = left.releases("bob@desk")
    releases.deploy(Order(SHADOW, "shadow"), wait=False)
    releases.rollback(SHADOW, wait=False)

    with pytest.raises(Refused, match="was released again"):
        prune(left.log, left.settings, "ann@desk", one)

    assert there(left) == set(LANES)
    assert left.state().to_reclaim() == (SHADOW,)


def test_all_that_left_long_ago_or_those_that_are_named() -> None:
    left = Standing("withdrawn", "abc")
    old, young = Gone("m:v1", left, 1_000, ()), Gone("m:v2", left, 9_000, ())
    owing, fallback = Gone("m:v3", left, 1_000, (), "much"), Gone("m:v4", left, 1_000, (), is_fallback=True)
    every = [old, young, owing, fallback]

    assert chosen(every, (), 5_000) == [old]
    assert chosen(every, ["m:v2", "m:v2"], 5_000) == [young]
    assert chosen(every, ["m:v4"], 5_000) == [fallback]
    with pytest.raises(Refused, match="m:v3 cannot be pruned yet: much"):
        chosen(every, ["m:v2", "m:v3"], 5_000)
    with pytest.raises(
        Refused, match="m:v9 has not left, or has no topics: what can be pruned is m:v1, m:v2, m:v3, m:v4"
    ):
        chosen(every, ["m:v9"], 5_000)


def test_the_version_that_production_would_be_rolled_back_to_is_known(world: World) -> None:
    releases = world.releases()
    releases.deploy(Order(PRODUCTION, "basic"), wait=False)
    releases.deploy(Order(SHADOW, "basic"), wait=False)

    assert [(each.version, each.is_fallback) for each in found(world)] == [(PRODUCTION, True)]


def test_a_version_left_when_it_last_changed() -> None:
    v1, v2, sha256 = "m:v1", "m:v2", "0" * 64
    drafts = [
        Draft("prepared", version=v1, sha256=sha256, action="production"),
        Draft("planned", version=v1, action="basic", plan=Plan(1, v1)),
        Draft("prepared", version=v2, sha256=sha256, action="production"),
        Draft("planned", version=v2, action="basic", plan=Plan(2, v2)),
        Draft("planned", version=v2, action="basic", plan=Plan(9, v1)),
    ]
    history = History()
    for offset, draft in enumerate(drafts):
        history = history.with_record(offset, encode(draft.signed(str(offset), offset + 1, 1_000 * offset, "ann")))

    assert left_ms(history) == {v1: 3_000, v2: 3_000}
