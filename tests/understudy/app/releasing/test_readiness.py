from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW

from understudy.app.provision import CannotProvision, lanes_of, provision_version
from understudy.app.releasing.errors import NotFinished
from understudy.app.releasing.orders import Order
from understudy.app.releasing.readiness import routers_lack, version_lacks
from understudy.core.log.contract import Position, SessionSpec, TopicPartition
from understudy.core.topics import slot_id
from understudy.deployments.errors import Refused
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from contextlib import ExitStack

    from support.releasing import World

    from understudy.deployments.fold import PlannedPart

AS_SHADOW = Order(SHADOW, "shadow")


def lacks(world: World, part: PlannedPart = "production") -> str:
    with world.log.admin() as admin:
        return version_lacks(admin, world.settings, PRODUCTION, part)


def test_a_version_is_ready_when_its_workers_own_every_partition_of_both_lanes(world: World) -> None:
    with world.log.admin() as admin:
        provision_version(admin, world.settings, PRODUCTION)

    assert lacks(world) == "a worker of sums:v1 that is ready"
    with world.workers(PRODUCTION):
        assert lacks(world) == ""


def test_workers_that_own_a_part_only_are_waited_for(world: World) -> None:
    names = world.settings.names
    with world.log.admin() as admin:
        provision_version(admin, world.settings, PRODUCTION)
    # A worker that subscribes to one lane stands for one whose assignment is under way.
    with world.log.session(SessionSpec(names.worker_group(PRODUCTION), (names.requests(PRODUCTION),), "a")) as session:
        while not session.poll(1.0).assigned:
            pass

        assert lacks(world) == "sums:v1 to own all of its 6 partitions (3 so far)"


@pytest.mark.parametrize(
    ("slot", "shadow"), [("a.candidate", ""), ("a.reclaimer", "a worker of sums:v1 that is ready")]
)
def test_workers_that_are_held_back_are_not_ready_for_production_and_reclaimers_for_nothing(
    world: World, slot: str, shadow: str
) -> None:
    names = world.settings.names
    with world.log.admin() as admin:
        provision_version(admin, world.settings, PRODUCTION)
    group, lanes = names.worker_group(PRODUCTION), lanes_of(world.settings, PRODUCTION)
    with world.log.session(SessionSpec(group, lanes, slot_id(group, slot))) as session:
        while not session.poll(1.0).assigned:
            pass

        assert lacks(world) == "a worker of sums:v1 that is ready"
        assert lacks(world, "shadow") == shadow


def test_lanes_follow_the_input(world: World) -> None:
    lanes = lanes_of(world.settings, PRODUCTION)
    with world.log.admin() as admin:
        provision_version(admin, world.settings, PRODUCTION)
        admin.grow(world.settings.names.input, 5)

        assert lacks(world) == "a worker of sums:v1 that is ready"

        assert {topic.partitions for topic in admin.describe(lanes).values()} == {5}


def test_a_lane_that_is_missing_is_not_made_in_passing(world: World) -> None:
    lane = world.settings.names.requests(PRODUCTION)

    assert lacks(world) == f"the topic {lane}, which does not exist: deploy sums:v1 again"

    with world.log.admin() as admin:
        assert admin.describe([lane]) == {}


def test_a_plan_is_adopted_when_every_partitions_note_has_it_or_a_later_one(world: World) -> None:
    names = world.settings.names

    def lack(revision: int) -> str:
        with world.log.admin() as admin:
            return routers_lack(admin, world.settings, revision)

    world.releases().deploy(Order(PRODUCTION, "basic"), wait=False)
    assert lack(1) == "routers to adopt revision 1 (0 of 3 partitions so far)"
    world.adopt()
    assert lack(1) == ""
    assert lack(2) == "routers to adopt revision 2 (0 of 3 partitions so far)"
    with world.log.admin() as admin:
        later = Position(0, Plan.basic(3, PRODUCTION).to_note())
        admin.set_positions(names.router_group, {TopicPartition(names.input, 1): later})
    assert lack(2) == "routers to adopt revision 2 (1 of 3 partitions so far)"


def starts(world: World, version: str) -> set[int]:
    with world.log.admin() as admin:
        return {position.offset for position in admin.positions(world.settings.names.worker_group(version)).values()}


def test_what_was_taken_back_begins_anew_once_what_it_left_is_accounted_for(
    in_production: World, stack: ExitStack
) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.rollback(SHADOW, wait=False)
    in_production.adopt()
    lane = in_production.owe(SHADOW)
    before = in_production.kinds()
    in_production.script.then(
        lambda: in_production.settle(SHADOW, lane),
        lambda: stack.enter_context(in_production.workers(SHADOW)),
        in_production.adopt,
    )

    releases.deploy(AS_SHADOW)

    assert in_production.kinds()[len(before) :] == ["prepared", "planned"]
    assert in_production.heard[0] == f"Waiting for what {SHADOW} still owes to be answered"
    with in_production.log.admin() as admin:
        assert starts(in_production, SHADOW) == {0, admin.end_offsets([lane])[lane]}


@pytest.fixture
def half_gone(in_production: World) -> World:
    """A shadow that was taken back when it owed 40 records of a lane that was deleted then; its other lane is left."""
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    in_production.send(SHADOW, 40)
    releases.rollback(SHADOW, wait=False)
    in_production.adopt()
    in_production.owe(SHADOW)
    with in_production.log.admin() as admin:
        admin.delete([in_production.settings.names.shadow_requests(SHADOW)])
    return in_production


def test_what_was_left_in_a_lane_that_was_deleted_is_waited_for(half_gone: World, stack: ExitStack) -> None:
    half_gone.script.then(
        lambda: half_gone.reclaim(SHADOW),
        lambda: stack.enter_context(half_gone.workers(SHADOW)),
        half_gone.adopt,
    )

    half_gone.releases().deploy(AS_SHADOW)

    lane = TopicPartition(half_gone.settings.names.requests(SHADOW), 0)
    with half_gone.log.admin() as admin:
        end = admin.end_offsets([lane])[lane]
        where = admin.positions(half_gone.settings.names.worker_group(SHADOW))[lane].offset
    assert (
        half_gone.heard[0] == f"Waiting for 40 records that {SHADOW} owed when its topics were deleted to be answered"
    )
    assert where == end > 0  # what is left of the other lane is accounted for, too, and not answered again


def test_without_waiting_too_what_was_left_in_a_lane_that_was_deleted_is_not_given_up(half_gone: World) -> None:
    before = half_gone.kinds()

    with pytest.raises(Refused, match=r"it has to wait for 40 records .*: leave --no-wait out"):
        half_gone.releases().deploy(AS_SHADOW, wait=False)

    assert half_gone.kinds() == before
    with half_gone.log.admin() as admin:
        assert not admin.describe([half_gone.settings.names.shadow_requests(SHADOW)])
    half_gone.reclaim(SHADOW)
    half_gone.releases().deploy(AS_SHADOW, wait=False)


def test_a_candidates_lane_that_was_deleted_is_not_made_in_its_place(in_production: World) -> None:
    releases, lane = in_production.releases(), in_production.settings.names.requests(SHADOW)
    releases.deploy(Order(SHADOW, "canary", 500_000), wait=False)
    in_production.adopt()
    before = in_production.kinds()
    with in_production.log.admin() as admin:
        admin.delete([lane])

        with pytest.raises(CannotProvision, match=f"{lane}: it is gone.* `understudy rollback {SHADOW}`"):
            releases.deploy(Order(SHADOW, "canary", 600_000), wait=False)
        with pytest.raises(CannotProvision, match=f"{lane}: it is gone"):
            releases.promote(wait=False)
        assert (admin.describe([lane]), in_production.kinds()) == ({}, before)

        releases.rollback(SHADOW, wait=False)
        in_production.adopt()
        releases.deploy(Order(SHADOW, "canary", 500_000), wait=False)
        assert lane in admin.describe([lane])


@pytest.mark.parametrize("owed", [0, 40])
def test_production_is_rolled_back_to_a_version_whose_lane_was_deleted_only_if_that_owed_nothing(
    in_production: World, owed: int
) -> None:
    releases, lane = in_production.releases(), in_production.settings.names.shadow_requests(PRODUCTION)
    if owed:
        in_production.send(PRODUCTION, owed)
    releases.deploy(Order(SHADOW, "basic"), wait=False)
    in_production.adopt()
    with in_production.log.admin() as admin:
        admin.delete([lane])

        if owed:
            with pytest.raises(CannotProvision, match=f"{lane}: it is gone"):
                releases.rollback(SHADOW, wait=False)
        else:
            releases.rollback(SHADOW, wait=False)

        assert (lane in admin.describe([lane])) is not bool(owed)


def test_what_nobody_can_account_for_because_positions_are_lost_is_not_waited_for(in_production: World) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.rollback(SHADOW, wait=False)
    in_production.adopt()
    in_production.owe(SHADOW)
    in_production.lose_positions(SHADOW)

    with pytest.raises(CannotProvision, match=f"understudy positions restore {SHADOW}"):
        releases.deploy(AS_SHADOW)


def test_a_wait_for_what_was_left_can_be_stopped(in_production: World) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.rollback(SHADOW, wait=False)
    in_production.adopt()
    in_production.owe(SHADOW)
    before = in_production.kinds()
    in_production.script.then(lambda: True)

    with pytest.raises(NotFinished, match=f"{SHADOW} is as it was, withdrawn. Deploy it later with: understudy deploy"):
        releases.deploy(AS_SHADOW)

    assert in_production.kinds() == before
