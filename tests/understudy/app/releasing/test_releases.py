from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW

from understudy.app.releasing.errors import DoesNotFit, NotFinished
from understudy.app.releasing.orders import Order
from understudy.app.releasing.releases import person
from understudy.core.log.errors import UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.deployments.errors import Refused
from understudy.deployments.plan import Canary, Plan
from understudy.models.errors import UnknownModel

if TYPE_CHECKING:
    from contextlib import ExitStack

    from support.releasing import World

    from understudy.deployments.fold import State

FIRST = Order(PRODUCTION, "basic")
AS_SHADOW = Order(SHADOW, "shadow")


def starts(world: World, version: str) -> set[int]:
    with world.log.admin() as admin:
        return {position.offset for position in admin.positions(world.settings.names.worker_group(version)).values()}


def test_a_version_is_planned_only_when_its_workers_own_every_partition(world: World, stack: ExitStack) -> None:
    seen: list[Plan | None] = []
    world.script.then(
        lambda: seen.append(world.state().plan),
        lambda: stack.enter_context(world.workers(PRODUCTION)),
        world.adopt,
    )

    released = world.releases().deploy(FIRST)

    assert seen == [None]
    assert world.kinds() == ["prepared", "planned"]
    assert world.state().plan == Plan.basic(1, PRODUCTION)
    assert released.adopted_s == pytest.approx(0.1)
    assert released.event.details == {}
    assert world.heard == [
        f"Waiting for a worker of {PRODUCTION} that is ready",
        "Waiting for routers to adopt revision 1 (0 of 3 partitions so far)",
    ]


def test_without_waiting_it_is_written_down_what_was_not_ready(world: World) -> None:
    released = world.releases().deploy(FIRST, wait=False)

    assert released.event.details == {"forced": f"without waiting for a worker of {PRODUCTION} that is ready"}
    assert released.adopted_s is None
    assert starts(world, PRODUCTION) == {0}


def test_without_waiting_nothing_is_forced_where_the_workers_are_ready(in_production: World) -> None:
    in_production.releases().deploy(AS_SHADOW, wait=False)
    with in_production.workers(SHADOW):
        released = in_production.releases().promote(wait=False)

    assert released.event.details == {}


def test_a_long_wait_is_explained_once(world: World) -> None:
    with pytest.raises(NotFinished, match="Not ready after 60 s"):
        world.releases().deploy(FIRST)

    assert world.heard == [
        f"Waiting for a worker of {PRODUCTION} that is ready",
        "Workers start by themselves where `understudy worker --follow` runs; or run: understudy worker sums:v1",
    ]


def test_a_wait_that_is_stopped_leaves_what_can_be_gone_on_with_or_taken_back(world: World, stack: ExitStack) -> None:
    world.script.then(lambda: True)

    with pytest.raises(NotFinished, match=r"Stopped: the plan is as it was, and sums:v1 stays prepared\. Go on with: "):
        world.releases().deploy(FIRST)

    assert world.kinds() == ["prepared"]
    stack.enter_context(world.workers(PRODUCTION))
    world.script.then(world.adopt)
    world.releases().deploy(FIRST)
    assert world.kinds() == ["prepared", "planned"]


def test_a_preparation_can_be_taken_back(world: World) -> None:
    world.script.then(lambda: True)
    with pytest.raises(NotFinished):
        world.releases().deploy(FIRST)

    world.releases().rollback(PRODUCTION)

    assert world.state().stage(PRODUCTION) == "withdrawn"


def test_a_shadow_whose_promotion_was_not_waited_for_is_held_back_as_before(in_production: World) -> None:
    in_production.releases().deploy(AS_SHADOW, wait=False)
    in_production.script.then(lambda: True)

    with pytest.raises(NotFinished, match=f"Stopped: the plan and {SHADOW} are as they were. Go on with: .* promote"):
        in_production.releases().promote()

    standing = in_production.state().versions[SHADOW]
    assert (standing.stage, standing.prepared_for) == ("shadow", None)


def test_production_that_could_not_be_rolled_back_yet_is_not_told_to_withdraw_its_predecessor(
    in_production: World,
) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.promote(wait=False)
    in_production.script.then(lambda: True)

    with pytest.raises(NotFinished) as late:
        releases.rollback()

    assert str(late.value).endswith(f"{PRODUCTION} stays prepared. Go on with: understudy rollback {SHADOW}")


def test_a_wait_ends_when_somebody_takes_the_version_back(in_production: World) -> None:
    in_production.releases().deploy(AS_SHADOW, wait=False)
    bob = in_production.releases("bob@desk")
    in_production.script.then(lambda: bob.rollback(SHADOW, wait=False) is None)

    with pytest.raises(Refused, match=r"Meanwhile bob@desk took back"):
        in_production.releases().deploy(Order(SHADOW, "canary"))

    assert in_production.state().stage(SHADOW) == "withdrawn"


def test_a_larger_share_does_not_revive_a_canary_that_was_just_taken_back(
    in_production: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_production.releases().deploy(Order(SHADOW, "canary"), wait=False)
    bob, ann = in_production.releases("bob@desk"), in_production.releases("ann@desk")
    reads = ann._begin

    def overtaken() -> State:
        state = reads()
        bob.rollback(SHADOW, wait=False)
        return state

    monkeypatch.setattr(ann, "_begin", overtaken)

    with pytest.raises(Refused, match=f"{SHADOW} was taken back.* Meanwhile bob@desk took back"):
        ann.deploy(Order(SHADOW, "canary", 200_000), wait=False)

    assert in_production.state().stage(SHADOW) == "withdrawn"


def test_a_plan_that_no_router_takes_up_stays_written_down(world: World, stack: ExitStack) -> None:
    world.script.then(
        lambda: stack.enter_context(world.workers(PRODUCTION)),
        lambda: True,
    )

    with pytest.raises(NotFinished, match="revision 1 is written down, and routers adopt it as soon as they run"):
        world.releases().deploy(FIRST)

    assert world.state().plan == Plan.basic(1, PRODUCTION)


def test_a_shadow_a_canary_and_its_promotion(in_production: World, stack: ExitStack) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    stack.enter_context(in_production.workers(SHADOW))

    releases.deploy(Order(SHADOW, "canary", salt=7), wait=False)
    releases.deploy(Order(SHADOW, "canary", 250_000), wait=False)
    canary = in_production.state().plan
    releases.deploy(Order(SHADOW, "canary", mirrored=False), wait=False)
    unmirrored = in_production.state().plan
    releases.promote(wait=False)

    assert canary == Plan(4, PRODUCTION, canary=Canary(SHADOW, 250_000), salt=7)
    assert unmirrored == Plan(5, PRODUCTION, canary=Canary(SHADOW, 250_000, mirrored=False), salt=7)
    assert in_production.state().plan == Plan(6, SHADOW, salt=7)
    assert in_production.state().previous == PRODUCTION


def test_production_is_rolled_back_at_once_where_the_earlier_version_is_ready(in_production: World) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.promote(wait=False)
    before = in_production.kinds()

    with in_production.workers(PRODUCTION):
        releases.rollback(reason="too slow", wait=False)

    assert in_production.kinds()[len(before) :] == ["planned"]
    assert in_production.state().plan == Plan(4, PRODUCTION, salt=0)


def test_production_is_rolled_back_once_the_earlier_version_runs_again(in_production: World, stack: ExitStack) -> None:
    releases = in_production.releases()
    releases.deploy(AS_SHADOW, wait=False)
    releases.promote(wait=False)
    before = in_production.kinds()
    in_production.script.then(
        lambda: stack.enter_context(in_production.workers(PRODUCTION)),
        in_production.adopt,
    )

    released = releases.rollback()

    assert in_production.kinds()[len(before) :] == ["prepared", "planned"]
    assert (released.event.action, in_production.state().stage(PRODUCTION)) == ("rollback", "production")


def test_a_candidate_is_paused_and_resumed(in_production: World) -> None:
    releases = in_production.releases()
    releases.deploy(Order(SHADOW, "canary"), wait=False)

    releases.pause(reason="slow")
    with pytest.raises(Refused, match=r"is paused \(slow\)"):
        releases.deploy(Order(SHADOW, "canary", 100_000), wait=False)
    releases.resume()
    releases.deploy(Order(SHADOW, "canary", 100_000), wait=False)

    assert in_production.state().plan == Plan(
        3,
        PRODUCTION,
        canary=Canary(SHADOW, 100_000),
        salt=in_production.state().plan.salt,  # type: ignore[union-attr]
    )


@pytest.mark.parametrize("order", [AS_SHADOW, Order(SHADOW, "canary")])
def test_the_first_version_is_deployed_basic(world: World, order: Order) -> None:
    with pytest.raises(Refused, match="nothing is in production yet"):
        world.releases().deploy(order)

    assert world.kinds() == []


def test_what_is_illegal_is_refused_before_anything_is_made(in_production: World) -> None:
    in_production.releases().deploy(AS_SHADOW, wait=False)
    before = in_production.kinds()

    with pytest.raises(Refused, match="is a shadow already"):
        in_production.releases().deploy(AS_SHADOW)

    assert in_production.kinds() == before


def test_a_version_that_is_not_registered_or_does_not_fit(world: World) -> None:
    with pytest.raises(UnknownModel, match="sums:v9 is not registered"):
        world.releases().deploy(Order("sums:v9", "basic"))
    assert world.settings.input.schema_file is not None
    world.settings.input.schema_file.write_text(
        '{"type": "record", "name": "Event", "fields": [{"name": "a", "type": "double"}]}'
    )
    with pytest.raises(DoesNotFit, match="has no field b"):
        world.releases().deploy(FIRST)
    assert world.kinds() == []


def test_topics_come_first(world: World) -> None:
    world.log = MemoryLog()

    with pytest.raises(UnknownTopic, match="understudy topics"):
        world.releases().deploy(FIRST)


def test_who_came_first_is_told_to_who_came_second(in_production: World, stack: ExitStack) -> None:
    ann, bob = in_production.releases("ann@desk"), in_production.releases("bob@desk")

    def bob_is_faster() -> None:
        stack.enter_context(in_production.workers(SHADOW))
        bob.deploy(Order(SHADOW, "shadow", reason="my turn"), wait=False)

    in_production.script.then(bob_is_faster)

    with pytest.raises(
        Refused,
        match=r"is a shadow already: .*\. Meanwhile bob@desk made sums:v2 a shadow of sums:v1 \(revision 2\): my",
    ):
        ann.deploy(AS_SHADOW)

    assert in_production.state().plan == Plan(2, PRODUCTION, (SHADOW,))


def test_a_request_that_stays_legal_is_made_of_the_later_state(in_production: World, stack: ExitStack) -> None:
    bob = in_production.releases("bob@desk")
    in_production.releases().deploy(AS_SHADOW, wait=False)

    def bob_pauses() -> None:
        bob.deploy(Order(SHADOW, "canary", 10_000), wait=False)
        stack.enter_context(in_production.workers(SHADOW))

    in_production.script.then(bob_pauses, in_production.adopt)
    in_production.releases("ann@desk").promote()

    assert in_production.state().plan is not None
    assert in_production.state().plan.production == SHADOW  # type: ignore[union-attr]  # the line above


def test_growth_of_the_input_while_workers_are_waited_for_is_followed(world: World, stack: ExitStack) -> None:
    names = world.settings.names

    def grow() -> None:
        with world.log.admin() as admin:
            admin.grow(names.input, 5)

    world.script.then(
        grow,
        lambda: stack.enter_context(world.workers(PRODUCTION)),
        world.adopt,
    )

    world.releases().deploy(FIRST)

    with world.log.admin() as admin:
        assert admin.describe([names.requests(PRODUCTION)])[names.requests(PRODUCTION)].partitions == 5


def test_a_person_has_a_name_and_a_host() -> None:
    user, at, host = person().partition("@")

    assert user
    assert at
    assert host
