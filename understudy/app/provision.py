"""Makes an endpoint's topics and records where each group starts. Repeating it changes nothing.

Several may do it at once, and roles may run meanwhile: what somebody else made or grew first is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from understudy.core.log.contract import NewTopic, Position, TopicPartition
from understudy.core.log.errors import GroupIsLive, LogError, TopicExists
from understudy.core.topics import DEFAULT_MAX_MESSAGE_BYTES, Sizing, check_names, topic_table
from understudy.deployments.fold import State
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from understudy.core.log.contract import Admin, Log, TopicInfo
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


def provision(
    admin: Admin, settings: Settings, versions: Sequence[str] = (), *, create_input: bool = True
) -> Provisioned:
    """Create or grow what the endpoint and these versions need, and record the starts that are not recorded yet.

    The router starts where the settings' `input.start` says, everything behind it at the beginning. A position that
    is there is never moved. Raises BadName, CannotProvision, and what the admin raises.
    """
    names = settings.names
    check_names(names, versions)
    if not create_input and not admin.describe([names.input]):
        raise CannotProvision(
            f"The input topic {names.input} does not exist: create it, or leave --no-create-input out."
        )
    topics = _make(admin, settings, [topic.name for topic in topic_table(names, versions, ANY_SIZE)], versions)
    groups = [_start_router(admin, settings), *(_start_worker(admin, settings, version) for version in versions)]
    compared = (names.routes, names.predictions, names.shadow_predictions)
    return Provisioned(topics, [*groups, _start_behind(admin, names.comparator_group, compared, "comparator")])


def provision_endpoint(log: Log, settings: Settings, *, create_input: bool = True) -> Provisioned:
    """Create or grow what the endpoint needs, and the versions whose topics its deployments know of.

    Raises BadName, CannotProvision, and what the log raises.
    """
    with log.admin() as admin:
        known = admin.describe([settings.names.deployments])
        state = DeploymentsLog(log, settings.names, "topics").read().state if known else State()
        versions = [version for version, standing in state.versions.items() if not standing.pruned]
        return provision(admin, settings, versions, create_input=create_input)


def provision_topics(admin: Admin, settings: Settings, topics: Collection[str]) -> list[TopicRow]:
    """Create or grow some of the endpoint's own topics, and record nothing.

    Raises CannotProvision, and what the admin raises.
    """
    return _make(admin, settings, topics, ())


def provision_version(admin: Admin, settings: Settings, version: str) -> Provisioned:
    """Create or grow both lanes of a version, and record where its workers start, where that is not recorded yet.

    Raises BadName, CannotProvision, and what the admin raises.
    """
    names = settings.names
    if not admin.describe([names.input]):
        raise CannotProvision(f"The input topic {names.input} does not exist: run understudy topics first.")
    topics = _make(admin, settings, lanes_of(settings, version), [version])
    return Provisioned(topics, [_start_worker(admin, settings, version)])


def follow_growth(admin: Admin, settings: Settings, versions: Sequence[str]) -> list[TopicRow]:
    """Grow the endpoint's topics and these versions' lanes to the input's partitions, and nothing else.

    For roles that run: whoever owns a new partition begins at 0 without being told. Topics that do not exist are left
    out. Raises CannotProvision for an input that was made anew with fewer partitions, and what the admin raises.
    """
    there = admin.describe([topic.name for topic in topic_table(settings.names, versions, ANY_SIZE)])
    return _make(admin, settings, [name for name in there if name != settings.names.input], versions)


def lanes_of(settings: Settings, version: str) -> tuple[str, str]:
    """The topics of a version's lanes: requests, shadow requests."""
    return settings.names.requests(version), settings.names.shadow_requests(version)


ANY_SIZE: Final = Sizing(partitions=1)
"""Where only the names of a table's topics matter."""


def _make(admin: Admin, settings: Settings, wanted: Collection[str], versions: Sequence[str]) -> list[TopicRow]:
    """Create or grow the topics of these names, in the table's order."""
    # The input grows first, so what has grown with it is looked at before it.
    existing = admin.describe(wanted)
    table = topic_table(settings.names, versions, _sizing(admin, settings))
    chosen = [topic for topic in table if topic.name in wanted]
    for topic in chosen:
        _refuse_more(topic, existing.get(topic.name), settings.names.input)
    _create(admin, [topic for topic in chosen if topic.name not in existing])
    return [_made(admin, topic, existing.get(topic.name)) for topic in chosen]


def _sizing(admin: Admin, settings: Settings) -> Sizing:
    replicas = settings.topics.replication_factor
    known = admin.describe([settings.names.input]).get(settings.names.input)
    if known is None:
        return Sizing(settings.topics.partitions, replicas)
    largest = int(known.config.get("max.message.bytes", DEFAULT_MAX_MESSAGE_BYTES))
    return Sizing(known.partitions, replicas, largest)


def _refuse_more(topic: NewTopic, there: TopicInfo | None, input_topic: str) -> None:
    if there is not None and there.partitions > topic.partitions:
        raise CannotProvision(
            f"{topic.name} has {there.partitions} partitions, more than the input's {topic.partitions}: {input_topic} "
            "was made anew, or another one is meant. Name the right one as [input] topic, or use another endpoint name."
        )


def _create(admin: Admin, new: Sequence[NewTopic]) -> None:
    """Create topics. Somebody else may create some of them at the same time."""
    missing = list(new)
    while missing:
        try:
            admin.create(missing)
            missing = []
        except TopicExists:
            there = admin.describe([topic.name for topic in missing])
            missing = [topic for topic in missing if topic.name not in there]


def _made(admin: Admin, topic: NewTopic, there: TopicInfo | None) -> TopicRow:
    if there is None:
        return TopicRow(topic.name, topic.partitions, "created")
    problem = "; ".join(_differences(topic, there))
    if there.partitions < topic.partitions:
        _grow(admin, topic)
        return TopicRow(topic.name, topic.partitions, "grown", problem)
    return TopicRow(topic.name, topic.partitions, "there", problem)


def _grow(admin: Admin, topic: NewTopic) -> None:
    """Grow a topic. A broker refuses what somebody else has done already."""
    try:
        admin.grow(topic.name, topic.partitions)
    except LogError:
        if admin.describe([topic.name])[topic.name].partitions < topic.partitions:
            raise


def _differences(topic: NewTopic, there: TopicInfo) -> Iterable[str]:
    for name in TOGETHER:
        wanted, found = topic.config.get(name), there.config.get(name)
        enough = wanted == found or (name == "max.message.bytes" and int(found or 0) >= int(wanted or 0))
        if wanted is not None and not enough:
            yield f"{name} is {found or 'not set'}, set it to {wanted}"


def _start_router(admin: Admin, settings: Settings) -> GroupRow:
    names = settings.names
    every = _partitions(admin, [names.input])
    known = admin.positions(names.router_group)
    missing = _without_start(every, known)
    routes = admin.end_offsets([TopicPartition(names.routes, at.partition) for at in missing])
    lost = [str(at) for at in missing if routes[TopicPartition(names.routes, at.partition)]]
    _refuse_lost(names.router_group, lost, "router")
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


def _start_worker(admin: Admin, settings: Settings, version: str) -> GroupRow:
    return _start_behind(admin, settings.names.worker_group(version), lanes_of(settings, version), version)


def _start_behind(admin: Admin, group: str, topics: Collection[str], role: str) -> GroupRow:
    """Start a group at the end of partitions that hold nothing, as new ones do, and those that retention emptied.

    role: as `positions restore` calls it.
    """
    every = _partitions(admin, topics)
    known = admin.positions(group)
    missing = _without_start(every, known)
    first, ends = admin.start_offsets(missing), admin.end_offsets(missing)
    _refuse_lost(group, [str(at) for at in missing if first[at] < ends[at]], role)
    _set(admin, group, ends)
    return GroupRow(group, len(every), len(missing), "0" if missing and not any(ends.values()) else _said(every, known))


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
    if not known:
        return "at the end of what retention emptied"
    return "as recorded" if set(every) <= set(known) else "as recorded; new partitions at 0"


def _refuse_lost(group: str, lost: Sequence[str], role: str) -> None:
    """A group without positions in what was already worked on: starting anew would answer twice."""
    if lost:
        raise CannotProvision(
            f"The group {group} has no position in {', '.join(lost)}, which hold records already: the positions were "
            "deleted or have expired, and starting at 0 would do work twice. Set them where the work stopped: "
            f"understudy positions restore {role}"
        )


def _set(admin: Admin, group: str, starts: Mapping[TopicPartition, int]) -> None:
    """Record starts. A group that is live by now was started by somebody else, who recorded them first."""
    if not starts:
        return
    try:
        admin.set_positions(group, {at: Position(offset) for at, offset in starts.items()})
    except GroupIsLive:
        if not starts.keys() <= admin.positions(group).keys():
            raise


def _partitions(admin: Admin, topics: Collection[str]) -> list[TopicPartition]:
    described = admin.describe(topics)
    return [TopicPartition(name, p) for name in topics for p in range(described[name].partitions)]
