"""Whether a version still owes anything, and who else is in its group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.provision import lanes_of
from understudy.core.log.contract import TopicPartition
from understudy.core.topics import RECLAIMER
from understudy.deployments.draining import drained

if TYPE_CHECKING:
    from understudy.core.log.contract import Admin
    from understudy.core.settings import Settings
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.fold import Standing


def has_lanes(admin: Admin, settings: Settings, version: str) -> bool:
    """Whether both lanes of a version are there: its group can only be joined if they are."""
    lanes = lanes_of(settings, version)
    return admin.describe(lanes).keys() == set(lanes)


def owes_nothing(admin: Admin, settings: Settings, version: str, standing: Standing) -> bool:
    """Whether all is accounted for that the version was routed, and no router sends it any more.

    False where its lanes are gone: then only routes and predictions together can tell.
    """
    routers = admin.positions(settings.names.router_group)
    described = admin.describe(lanes_of(settings, version))
    if len(described) < len(lanes_of(settings, version)):
        return False
    partitions = [TopicPartition(name, p) for name, topic in described.items() for p in range(topic.partitions)]
    ends = admin.end_offsets(partitions)
    return drained(standing, routers, admin.positions(settings.names.worker_group(version)), ends)


def is_left(admin: Admin, settings: Settings, standing: Standing) -> bool:
    """Whether every router has adopted the plan that the version left with, so that nothing more is sent to it."""
    names = settings.names
    routers = admin.positions(names.router_group)
    count = admin.describe([names.input])[names.input].partitions
    return drained(standing, routers, {}, {TopicPartition(names.input, p): 0 for p in range(count)})


def evict_workers(admin: Admin, settings: Settings, version: str) -> None:
    """Take a withdrawn version's workers out of its group, and fence them. Reclaimers stay."""
    group = settings.names.worker_group(version)
    workers = [member.slot for member in admin.members(group) if not member.slot.endswith(RECLAIMER)]
    if workers:
        admin.evict(group, workers)


def evict_all(admin: Admin, names: EndpointTopics, version: str) -> None:
    """Take everybody out of a withdrawn version's group, reclaimers too, and fence them."""
    group = names.worker_group(version)
    admin.evict(group, [member.slot for member in admin.members(group)])
