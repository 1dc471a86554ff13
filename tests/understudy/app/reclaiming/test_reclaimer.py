from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from support.endpoint import until
from support.fleet import CANDIDATE, PATIENCE_S, fleet
from support.small_endpoint import PRODUCTION

from understudy.app.provision import lanes_of
from understudy.app.reclaiming.reclaimer import Outlook
from understudy.app.restoring.found import restore
from understudy.app.restoring.worker import worker_positions
from understudy.app.supervising.launching import Launch
from understudy.core.log.contract import Output, Position, SessionSpec, TopicPartition
from understudy.core.log.errors import Fenced
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import RECLAIMER, slot_id

if TYPE_CHECKING:
    from support.fleet import Fleet

    from understudy.core.batches import Batch

EVENTS = 600


def test_what_a_withdrawn_canary_was_asked_is_answered_by_production_by_two_that_work_together(
    endpoint: Fleet,
) -> None:
    endpoint.work(Launch(PRODUCTION, "production", "p"))
    endpoint.produce(EVENTS)
    until(lambda: len(endpoint.routed(CANDIDATE)) > EVENTS // 4, PATIENCE_S, "records for the canary")
    canary = endpoint.work(Launch(CANDIDATE, "candidate", "c"))
    until(lambda: len(endpoint.told(answered_version=CANDIDATE)) > 0, PATIENCE_S, "an answer of the canary")
    endpoint.stop(canary)
    endpoint.produce(EVENTS, first=EVENTS)
    until(lambda: routed_in_all(endpoint) == 2 * EVENTS, PATIENCE_S, "all records routed")
    endpoint.rollback(CANDIDATE)

    endpoint.over(*(endpoint.work(Launch(CANDIDATE, "reclaimer", slot)) for slot in "ab"))

    until(lambda: len(endpoint.told()) == 2 * EVENTS, PATIENCE_S, "production's own answers")
    every = endpoint.told()
    assert len(set(every)) == len(every) == 2 * EVENTS
    assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
    reclaimed = endpoint.told(routed_version=CANDIDATE, answered_version=PRODUCTION)
    assert len(reclaimed) > 0
    assert len(reclaimed) + len(endpoint.told(answered_version=CANDIDATE)) == len(endpoint.routed(CANDIDATE))
    assert {row["outcome"] for row in endpoint.rows("predictions")} == {"answered"}


def routed_in_all(endpoint: Fleet) -> int:
    return len(endpoint.routed(CANDIDATE)) + len(endpoint.routed(PRODUCTION))


def test_what_a_withdrawn_shadow_was_asked_is_accounted_for_without_an_answer(endpoint: Fleet) -> None:
    endpoint.rollback(CANDIDATE)
    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))
    endpoint.deploy(CANDIDATE, "shadow")
    endpoint.produce(EVENTS)
    until(lambda: len(endpoint.routed(CANDIDATE, "shadow")) == EVENTS, PATIENCE_S, "records for the shadow")
    endpoint.rollback(CANDIDATE)

    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))

    told = endpoint.told("shadow-predictions", routed_version=CANDIDATE, outcome="withdrawn")
    assert told == endpoint.routed(CANDIDATE, "shadow")
    assert len(endpoint.rows("shadow-predictions")) < EVENTS


def test_a_worker_of_a_withdrawn_version_is_taken_out_of_its_group(endpoint: Fleet) -> None:
    names = endpoint.settings.names
    group = names.worker_group(CANDIDATE)
    endpoint.produce(EVENTS)
    until(lambda: routed_in_all(endpoint) == EVENTS, PATIENCE_S, "all records routed")
    hung = endpoint.log.session(SessionSpec(group, lanes_of(endpoint.settings, CANDIDATE), slot_id(group, "hung")))
    until(lambda: bool(hung.poll(0.2).assigned), PATIENCE_S, "partitions of the worker that hangs")
    endpoint.rollback(CANDIDATE)

    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))

    with endpoint.log.admin() as admin:
        assert admin.members(group) == []
    assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
    hung.close()


def test_a_version_that_is_deployed_anew_is_not_reclaimed_any_more(endpoint: Fleet) -> None:
    endpoint.rollback(CANDIDATE)
    endpoint.deploy(CANDIDATE, "shadow")
    endpoint.produce(EVENTS)
    until(lambda: len(endpoint.routed(CANDIDATE, "shadow")) == EVENTS, PATIENCE_S, "records for the shadow")

    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))

    assert endpoint.rows("shadow-predictions") == []


def test_lanes_that_are_gone_are_settled_from_the_input_by_two_at_once(endpoint: Fleet) -> None:
    endpoint.work(Launch(PRODUCTION, "production", "p"))
    endpoint.produce(EVENTS)
    canary = endpoint.work(Launch(CANDIDATE, "candidate", "c"))
    until(lambda: len(endpoint.told(answered_version=CANDIDATE)) > 0, PATIENCE_S, "an answer of the canary")
    endpoint.stop(canary)
    endpoint.produce(EVENTS, first=EVENTS)
    until(lambda: routed_in_all(endpoint) == 2 * EVENTS, PATIENCE_S, "all records routed")
    endpoint.rollback(CANDIDATE)
    endpoint.adopted()
    with endpoint.log.admin() as admin:
        admin.delete([endpoint.settings.names.requests(CANDIDATE)])

    endpoint.over(*(endpoint.work(Launch(CANDIDATE, "reclaimer", slot)) for slot in "ab"))

    until(lambda: len(endpoint.told()) == 2 * EVENTS, PATIENCE_S, "production's own answers")
    every = endpoint.told()
    assert len(set(every)) == len(every) == 2 * EVENTS
    assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
    assert len(endpoint.told(routed_version=CANDIDATE, answered_version=PRODUCTION)) > 0
    assert {row["outcome"] for row in endpoint.rows("predictions")} == {"answered"}


def test_whoever_holds_records_of_the_lane_that_is_left_cannot_answer_them_any_more(endpoint: Fleet) -> None:
    names = endpoint.settings.names
    group, lanes = names.worker_group(CANDIDATE), lanes_of(endpoint.settings, CANDIDATE)
    endpoint.produce(EVENTS)
    until(lambda: routed_in_all(endpoint) == EVENTS, PATIENCE_S, "all records routed")
    endpoint.rollback(CANDIDATE)
    endpoint.adopted()
    late = endpoint.log.session(SessionSpec(group, lanes, slot_id(group, f"b{RECLAIMER}")))
    held: dict[TopicPartition, Batch] = {}

    def holds_some() -> bool:
        held.update((at, batches[0]) for at, batches in late.poll(0.2).batches.items())
        return bool(held)

    until(holds_some, PATIENCE_S, "records in hand")
    with endpoint.log.admin() as admin:
        admin.delete([names.shadow_requests(CANDIDATE)])

    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))

    def commits() -> bool:
        outputs = [Output(names.dead_letters, at.partition, batch) for at, batch in held.items()]
        try:
            return late.commit(outputs, {at: Position(batch.next_offset) for at, batch in held.items()})
        except Fenced:
            return False

    assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
    assert not commits()
    late.close()


def test_positions_that_are_lost_are_waited_for_and_the_way_back_is_named(tmp_path: Path) -> None:
    log = MemoryLog()
    with fleet(log, tmp_path) as endpoint:
        group = endpoint.settings.names.worker_group(CANDIDATE)
        endpoint.deploy(PRODUCTION)
        endpoint.deploy(CANDIDATE, "canary", share_ppm=500_000)
        endpoint.router()
        endpoint.produce(EVENTS)
        until(lambda: routed_in_all(endpoint) == EVENTS, PATIENCE_S, "all records routed")
        endpoint.rollback(CANDIDATE)
        endpoint.adopted()
        log._cluster.groups.named(group).positions.clear()

        reclaimer = endpoint.work(Launch(CANDIDATE, "reclaimer", "a"))

        way_back = f"understudy positions restore {CANDIDATE}"
        until(lambda: way_back in reclaimer.health.unready(), PATIENCE_S, "the way back")
        with log.admin() as admin:
            restore(admin, group, worker_positions(log, endpoint.settings, CANDIDATE), skip_lost=False)
        endpoint.over(reclaimer)
        assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)


def children() -> set[str]:
    """The processes that this one has started, ended ones that nobody has waited for among them."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_what_a_careful_one_started_ends_with_it(tmp_path: Path) -> None:
    with fleet(MemoryLog(), tmp_path) as endpoint:
        endpoint.deploy(PRODUCTION)
        endpoint.deploy(CANDIDATE, "canary", share_ppm=500_000)
        endpoint.router()
        endpoint.produce(EVENTS)
        until(lambda: routed_in_all(endpoint) == EVENTS, PATIENCE_S, "all records routed")
        endpoint.rollback(CANDIDATE)
        endpoint.adopted()
        with endpoint.log.admin() as admin:
            admin.delete(lanes_of(endpoint.settings, CANDIDATE))
        before = children()

        endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a", careful=True)))

        assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
        assert children() == before


def test_a_reclaimer_ends_its_session_when_another_version_becomes_production(endpoint: Fleet) -> None:
    endpoint.produce(EVENTS)
    until(lambda: routed_in_all(endpoint) == EVENTS, PATIENCE_S, "all records routed")
    endpoint.rollback(CANDIDATE)
    endpoint.adopted()
    withdrawn = endpoint.state()
    assert withdrawn.plan is not None
    with endpoint.log.admin() as admin:
        states = [withdrawn]
        outlook = Outlook(admin, endpoint.settings, lambda: states[-1], CANDIDATE)
        assert outlook.over_with(PRODUCTION) == ""
        states.append(replace(withdrawn, plan=replace(withdrawn.plan, production="sums:v3")))

        assert outlook.over_with(PRODUCTION) == "sums:v3 is production now"
        assert outlook.over() == ""
