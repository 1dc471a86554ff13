from __future__ import annotations

from typing import TYPE_CHECKING

from support.endpoint import until
from support.fleet import CANDIDATE, PATIENCE_S, fleet
from support.small_endpoint import PRODUCTION

from understudy.app.provision import lanes_of
from understudy.app.reclaiming.debts import evict_workers, has_lanes, is_left, owes_nothing
from understudy.app.supervising.launching import Launch
from understudy.core.log.contract import SessionSpec
from understudy.core.log.memory import MemoryLog
from understudy.core.log.reading import partitions_of
from understudy.core.topics import slot_id

if TYPE_CHECKING:
    from pathlib import Path

    from support.fleet import Fleet


def test_a_version_owes_nothing_once_it_has_left_everywhere_and_its_workers_are_at_the_end(endpoint: Fleet) -> None:
    endpoint.produce(100)
    until(lambda: bool(endpoint.routed(CANDIDATE)), PATIENCE_S, "records for the canary")
    with endpoint.log.admin() as admin:
        standing = endpoint.state().versions[CANDIDATE]
        assert not owes_nothing(admin, endpoint.settings, CANDIDATE, standing)
        endpoint.rollback(CANDIDATE)
        standing = endpoint.state().versions[CANDIDATE]
        until(lambda: is_left(admin, endpoint.settings, standing), PATIENCE_S, "routers on the plan")
        assert not owes_nothing(admin, endpoint.settings, CANDIDATE, standing)

        endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))

        assert owes_nothing(admin, endpoint.settings, CANDIDATE, standing)


def test_a_version_whose_positions_have_expired_owes_what_its_lanes_still_hold(tmp_path: Path) -> None:
    log = MemoryLog()
    with fleet(log, tmp_path) as endpoint, log.admin() as admin:
        endpoint.deploy(PRODUCTION)
        endpoint.deploy(CANDIDATE, "canary", share_ppm=500_000)
        endpoint.router()
        endpoint.produce(100)
        until(lambda: bool(endpoint.routed(CANDIDATE)), PATIENCE_S, "records for the canary")
        endpoint.rollback(CANDIDATE)
        endpoint.adopted()
        standing = endpoint.state().versions[CANDIDATE]
        log._cluster.groups.named(endpoint.settings.names.worker_group(CANDIDATE)).positions.clear()
        assert not owes_nothing(admin, endpoint.settings, CANDIDATE, standing)

        for at, end in admin.end_offsets(partitions_of(admin, lanes_of(endpoint.settings, CANDIDATE))).items():
            log.delete_records(at, end)

        assert owes_nothing(admin, endpoint.settings, CANDIDATE, standing)


def test_lanes_that_are_gone_say_nothing_of_debts(endpoint: Fleet) -> None:
    endpoint.rollback(CANDIDATE)
    endpoint.over(endpoint.work(Launch(CANDIDATE, "reclaimer", "a")))
    standing = endpoint.state().versions[CANDIDATE]

    with endpoint.log.admin() as admin:
        assert has_lanes(admin, endpoint.settings, CANDIDATE)
        admin.delete([endpoint.settings.names.shadow_requests(CANDIDATE)])

        assert not has_lanes(admin, endpoint.settings, CANDIDATE)
        assert not owes_nothing(admin, endpoint.settings, CANDIDATE, standing)


def test_workers_are_evicted_and_reclaimers_stay(endpoint: Fleet) -> None:
    group = endpoint.settings.names.worker_group(CANDIDATE)
    lanes = lanes_of(endpoint.settings, CANDIDATE)
    slots = [slot_id(group, slot) for slot in ("a", "a.candidate", "a.reclaimer")]
    sessions = [endpoint.log.session(SessionSpec(group, lanes, slot)) for slot in slots]

    with endpoint.log.admin() as admin:

        def joined() -> bool:
            for session in sessions:
                session.poll(0.05)
            return len(admin.members(group)) == len(slots)

        until(joined, PATIENCE_S, "three members")
        evict_workers(admin, endpoint.settings, CANDIDATE)

        assert [member.slot for member in admin.members(group)] == [slots[2]]
    for session in sessions:
        session.close()
