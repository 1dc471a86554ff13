"""Makes an endpoint's topics and records where each group starts. Repeating it changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from understudy.core.log.contract import NewTopic, Position, TopicPartition
from understudy.core.topics import DEFAULT_MAX_MESSAGE_BYTES, Sizing, check_names, topic_table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from understudy.core.log.contract import Admin, TopicInfo
    from understudy.core.settings import Settings

TOGETHER: Final = ("message.timestamp.type", "max.message.bytes")
"""Configurations without which the roles do not work; others are the user's to change."""


class CannotProvision(Exception):
    """Something is in the way of making the endpoint's topics; the text says what, and what to do."""


@dataclass(frozen=True, slots=True)
class TopicRow:
    """What became of one topic. problem: a configuration that should be different, else ''."""

    name: str
    partitions: int
    action: Literal["created", "grown", "there"]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Where a group starts. set: positions that were written now, of `partitions` in all."""

    group: str
    partitions: int
    set: int
    starts: str


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What there is now."""

    topics: Sequence[TopicRow]
    groups: Sequence[GroupRow]


def provision(admin: Admin, settings: Settings, *, create_input: bool = True) -> Provisioned:
    """Create or grow what the endpoint and its plan need, and record the starts that are not recorded yet.

    The router starts where the settings' `input.start` says, everything behind it at the beginning. A position that
    is there is never moved. Raises SettingsError, BadName, CannotProvision, and what the admin raises.
    """
    versions = settings.require_plan().versions
    check_names(settings.names, versions)
    known = admin.describe([settings.names.input])
    if not known and not create_input:
        raise CannotProvision(
            f"The input topic {settings.names.input} does not exist: create it, or leave --no-create-input out."
        )
    table = topic_table(settings.names, versions, _sizing(settings, known.get(settings.names.input)))
    topics = _make(admin, table, settings.names.input)
    return Provisioned(topics, _record_starts(admin, settings, versions))


def _sizing(settings: Settings, known: TopicInfo | None) -> Sizing:
    replicas = settings.topics.replication_factor
    if known is None:
        return Sizing(settings.topics.partitions, replicas)
    largest = int(known.config.get("max.message.bytes", DEFAULT_MAX_MESSAGE_BYTES))
    return Sizing(known.partitions, replicas, largest)


def _make(admin: Admin, table: Sequence[NewTopic], input_topic: str) -> list[TopicRow]:
    existing = admin.describe([topic.name for topic in table])
    for topic in table:
        if topic.name in existing and existing[topic.name].partitions > topic.partitions:
            raise CannotProvision(
                f"{topic.name} has {existing[topic.name].partitions} partitions, more than the input's "
                f"{topic.partitions}: {input_topic} was made anew, or another one is meant. Name the right one as "
                "[input] topic, or use another endpoint name."
            )
    if new := [topic for topic in table if topic.name not in existing]:
        admin.create(new)
    return [_made(admin, topic, existing.get(topic.name)) for topic in table]


def _made(admin: Admin, topic: NewTopic, there: TopicInfo | None) -> TopicRow:
    if there is None:
        return TopicRow(topic.name, topic.partitions, "created")
    problem = "; ".join(_differences(topic, there))
    if there.partitions < topic.partitions:
        admin.grow(topic.name, topic.partitions)
        return TopicRow(topic.name, topic.partitions, "grown", problem)
    return TopicRow(topic.name, topic.partitions, "there", problem)


def _differences(topic: NewTopic, there: TopicInfo) -> Iterable[str]:
    for name in TOGETHER:
        wanted, found = topic.config.get(name), there.config.get(name)
        enough = wanted == found or (name == "max.message.bytes" and int(found or 0) >= int(wanted or 0))
        if wanted is not None and not enough:
            yield f"{name} is {found or 'not set'}, set it to {wanted}"


def _record_starts(admin: Admin, settings: Settings, versions: Iterable[str]) -> list[GroupRow]:
    names = settings.names
    rows = [_start_router(admin, settings)]
    for version in versions:
        lanes = (names.requests(version), names.shadow_requests(version))
        rows.append(_start_behind(admin, names.worker_group(version), lanes))
    compared = (names.routes, names.predictions, names.shadow_predictions)
    rows.append(_start_behind(admin, names.comparator_group, compared))
    return rows


def _start_router(admin: Admin, settings: Settings) -> GroupRow:
    names = settings.names
    every = _partitions(admin, [names.input])
    known = admin.positions(names.router_group)
    missing = _without_start(every, known)
    routes = admin.end_offsets([TopicPartition(names.routes, at.partition) for at in missing])
    lost = [str(at) for at in missing if routes[TopicPartition(names.routes, at.partition)]]
    _refuse_lost(names.router_group, lost)
    first = not any(at in known for at in every)
    _set(admin, names.router_group, _starts(admin, settings, missing) if first else dict.fromkeys(missing, 0))
    said = str(settings.input.start) if first else _said(every, known)
    return GroupRow(names.router_group, len(every), len(missing), said)


def _starts(admin: Admin, settings: Settings, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
    match settings.input.start:
        case "earliest":
            return admin.start_offsets(partitions)
        case "latest":
            return admin.end_offsets(partitions)
        case moment:
            return admin.offsets_at(partitions, int(moment.timestamp() * 1_000))


def _start_behind(admin: Admin, group: str, topics: Collection[str]) -> GroupRow:
    """Start a group at 0 in partitions that nothing was written to yet."""
    every = _partitions(admin, topics)
    known = admin.positions(group)
    missing = _without_start(every, known)
    _refuse_lost(group, [str(at) for at, end in admin.end_offsets(missing).items() if end])
    _set(admin, group, dict.fromkeys(missing, 0))
    return GroupRow(group, len(every), len(missing), "0" if missing else _said(every, known))


def _without_start(every: Iterable[TopicPartition], known: Collection[TopicPartition]) -> list[TopicPartition]:
    """The partitions whose start has to be recorded.

    Those by which a topic has grown are left out: whoever owns them begins at 0 without being told, and, since roles
    go on running while topics grow, may have begun already.
    """
    highest: dict[str, int] = {}
    for at in known:
        highest[at.topic] = max(at.partition, highest.get(at.topic, 0))
    return [at for at in every if at not in known and at.partition < highest.get(at.topic, at.partition + 1)]


def _said(every: Collection[TopicPartition], known: Collection[TopicPartition]) -> str:
    return "as recorded" if set(every) <= set(known) else "as recorded; new partitions at 0"


def _refuse_lost(group: str, lost: Sequence[str]) -> None:
    """A group without positions in what was already worked on: starting anew would answer twice."""
    if lost:
        raise CannotProvision(
            f"The group {group} has no position in {', '.join(lost)}, which hold records already: the positions were "
            "deleted or have expired, and starting at 0 would do work twice. Set them where the work stopped (with "
            "Kafka's kafka-consumer-groups, for instance), or use another endpoint name to start afresh."
        )


def _set(admin: Admin, group: str, starts: Mapping[TopicPartition, int]) -> None:
    if starts:
        admin.set_positions(group, {at: Position(offset) for at, offset in starts.items()})


def _partitions(admin: Admin, topics: Collection[str]) -> list[TopicPartition]:
    described = admin.describe(topics)
    return [TopicPartition(name, p) for name in topics for p in range(described[name].partitions)]
