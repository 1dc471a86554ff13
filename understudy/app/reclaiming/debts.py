"""Whether a version still owes anything, and who else is in its group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from schemas.encodings import RowDecoder, Undecodable
from understudy.app.provision import lanes_of
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import CorruptBatch, UnknownTopic
from understudy.core.log.reading import partitions_of, read_to_end
from understudy.core.topics import RECLAIMER
from understudy.deployments.draining import drained
from workers.owed import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.fold import Standing
    from understudy.deployments.plan import Role
    from workers.owed import Debt


def nothing() -> None:
    """What is done where nobody wants anything to be done."""


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
    try:
        starts, ends = admin.start_offsets(partitions), admin.end_offsets(partitions)
    except UnknownTopic:
        return False  # deleted since
    return drained(standing, routers, admin.positions(settings.names.worker_group(version)), starts, ends)


def read_debts(
    log: Log, names: EndpointTopics, version: str, predictions: RowDecoder, tick: Callable[[], None] = nothing
) -> list[Debt]:
    """What a version owes by what routes and predictions tell now, whatever became of its lanes. See `Account.debts`.

    predictions: decodes rows of both predictions topics. tick: called every now and then. Raises UnknownTopic,
    LogUnavailable, SchemaUnavailable; CorruptBatch for what is no row.
    """
    account = Account(version)
    roles: dict[str, Role] = {names.predictions: "answering", names.shadow_predictions: "shadow"}
    for row, time_ms in _rows(log, RowDecoder.of("avro", "route"), tick, names.routes):
        account.routed(row, time_ms)
    with log.admin() as admin:
        starts = admin.start_offsets(partitions_of(admin, roles))
    for row, _ in _rows(log, predictions, tick, *roles):
        account.answered(row)
    return account.debts([(roles[at.topic], at.partition) for at, start in starts.items() if start])


def _rows(
    log: Log, decoder: RowDecoder, tick: Callable[[], None], *topics: str
) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Each row, and when it was written."""
    for at, batch in read_to_end(log, *topics):
        tick()
        columns = batch.columns
        for offset, value, time_ms in zip(columns.offsets, columns.values, columns.timestamps_ms, strict=True):
            try:
                row = decoder.decode(value)
            except Undecodable as error:
                raise CorruptBatch(
                    f"{at} has no row of ours at offset {offset} ({error}), so what is owed is not known. If a "
                    "stranger wrote it, delete the records up to it with Kafka's kafka-delete-records; if it is the "
                    "schema that is missing, put it back."
                ) from error
            yield row, time_ms


def is_left(admin: Admin, settings: Settings, standing: Standing) -> bool:
    """Whether every router has adopted the plan that the version left with, so that nothing more is sent to it."""
    names = settings.names
    routers = admin.positions(names.router_group)
    count = admin.describe([names.input])[names.input].partitions
    nothing_sent = {TopicPartition(names.input, p): 0 for p in range(count)}
    return drained(standing, routers, {}, nothing_sent, nothing_sent)


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
