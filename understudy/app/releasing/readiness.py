"""What a version's workers, and the routers, still have to do before a release goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.provision import lanes_of, provision_version, start_worker
from understudy.app.reclaiming.debts import has_lanes, is_left, owes_nothing, read_debts
from understudy.app.wire_schemas import prediction_decoder
from understudy.core.log.contract import Position, TopicPartition
from understudy.core.topics import CANDIDATE, RECLAIMER
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.deployments.fold import PlannedPart, Standing


def version_lacks(admin: Admin, settings: Settings, version: str, part: PlannedPart) -> str:
    """What is missing before records can be sent to a version for a part; "" where its workers own every partition.

    Workers that are held back as a candidate's are not ready for production, and reclaimers for nothing.
    Lanes grow where the input has grown meanwhile; one that is missing is not made. Raises CannotProvision.
    """
    names = settings.names
    lanes = lanes_of(settings, version)
    there = admin.describe([names.input, *lanes])
    count = there[names.input].partitions if names.input in there else 0
    missing = [lane for lane in lanes if lane not in there]
    if missing:
        return f"the topic {missing[0]}, which does not exist: deploy {version} again"
    if any(there[lane].partitions < count for lane in lanes):
        provision_version(admin, settings, version, only_grow=True)
    every = {TopicPartition(lane, partition) for lane in lanes for partition in range(count)}
    admin.end_offsets(every)  # fails as long as one of them has no leader
    unfit = (RECLAIMER, CANDIDATE) if part == "production" else (RECLAIMER,)
    members = [each for each in admin.members(names.worker_group(version)) if not each.slot.endswith(unfit)]
    owned = every & {at for member in members for at in member.partitions}
    if not members:
        return f"a worker of {version} that is ready"
    return "" if owned == every else f"{version} to own all of its {len(every)} partitions ({len(owned)} so far)"


def left_behind(log: Log, settings: Settings, version: str, standing: Standing) -> str:
    """What a withdrawn version still owes from before, which production's model answers; "" where that is settled.

    Raises CannotProvision where positions are lost, for then nobody settles it.
    """
    if standing.pruned:
        return ""
    with log.admin() as admin:
        if not has_lanes(admin, settings, version):
            return left_without_lanes(log, settings, version, standing)
        if owes_nothing(admin, settings, version, standing):
            return ""
        start_worker(admin, settings, version)
    return f"what {version} still owes to be answered"


def left_without_lanes(log: Log, settings: Settings, version: str, standing: Standing) -> str:
    """What a version owes of which a lane was deleted, by routes and predictions; "" where both lanes are there."""
    with log.admin() as admin:
        if standing.pruned or has_lanes(admin, settings, version):
            return ""
        if not is_left(admin, settings, standing):
            return f"routers to leave {version}, whose topics were deleted"
    owed = sum(debt.header.count for debt in read_debts(log, settings.names, version, prediction_decoder(settings)))
    return f"{owed:,} records that {version} owed when its topics were deleted to be answered" if owed else ""


def skip_settled(admin: Admin, settings: Settings, version: str) -> None:
    """Move the group of a version that owes nothing behind all of a lane whose other lane was deleted.

    Its records were answered without it, so whoever goes on where its workers stopped would answer them again. Raises
    GroupIsLive.
    """
    left = admin.describe(lanes_of(settings, version))
    ends = admin.end_offsets([TopicPartition(name, p) for name, topic in left.items() for p in range(topic.partitions)])
    if ends:
        admin.set_positions(settings.names.worker_group(version), {at: Position(end) for at, end in ends.items()})


def routers_lack(admin: Admin, settings: Settings, revision: int) -> str:
    """What is missing before a plan is in force everywhere; "" where every input partition has adopted it."""
    names = settings.names
    every = range(admin.describe([names.input])[names.input].partitions)
    positions = admin.positions(names.router_group)
    notes = [positions[at].note for p in every if (at := TopicPartition(names.input, p)) in positions]
    adopted = sum(1 for note in notes if note and Plan.from_note(note).revision >= revision)
    if adopted == len(every):
        return ""
    return f"routers to adopt revision {revision} ({adopted} of {len(every)} partitions so far)"
