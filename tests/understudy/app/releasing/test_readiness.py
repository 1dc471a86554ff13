from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION

from understudy.app.provision import lanes_of, provision_version
from understudy.app.releasing.orders import Order
from understudy.app.releasing.readiness import routers_lack, version_lacks
from understudy.core.log.contract import Position, SessionSpec, TopicPartition
from understudy.core.topics import slot_id
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from support.releasing import World

    from understudy.deployments.fold import PlannedPart


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


def test_lanes_that_are_missing_are_made(world: World) -> None:
    assert lacks(world) == "a worker of sums:v1 that is ready"

    with world.log.admin() as admin:
        assert len(admin.describe([world.settings.names.requests(PRODUCTION)])) == 1


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
