"""Makes an endpoint's topics and records where each group starts. Repeating it changes nothing.

Several may do it at once, and roles may run meanwhile: what somebody else made or grew first is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from understudy.core.log.contract import NewTopic, Position, TopicPartition
from understudy.core.log.errors import GroupIsLive, LogError, LogUnavailable, TopicExists
from understudy.core.topics import DEFAULT_MAX_MESSAGE_BYTES, Sizing, check_names, topic_table
from understudy.deployments.fold import State
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from understudy.core.log.contract import Admin, Log, TopicInfo
    from understudy.core.settings import Settings
    from understudy.deployments.fold import Standing

TOGETHER: Final = ("message.timestamp.type", "max.message.bytes")
"""Configurations without which the roles do not work; others are the user's to change."""
LOST: Final = (
    "it is gone, with what {version} was sent and may not have answered; an empty one in its place would hide that. "
    "Where {version} is not withdrawn, take it back with `understudy rollback {version}`; deploy it again once what it "
    "owes is answered"
)


class CannotProvision(Exception):
    """Something is in the way of making the endpoint's topics; the text says what, and what to do."""


@dataclass(frozen=True, slots=True)
class TopicRow:
    """What became of one topic.

    left: it should have been made or grown, and was not; problem says why. problem: also a configuration that should be
    different; else ''.
    """

    name: str
    partitions: int
    action: Literal["created", "grown", "there", "left"]
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
    admin: Admin,
    settings: Settings,
    versions: Sequence[str] = (),
    *,
    create_input: bool = True,
    only_grow: Collection[str] = (),
) -> Provisioned:
    """Create or grow what the endpoint and these versions need, and record the starts that are not recorded yet.

    The router starts where the settings' `input.start` says, everything behind it at the beginning. A position that
    is there is never moved. only_grow: versions whose lanes are not made where they are missing. A lane that cannot be
    made or grown is left, and its row says why. Raises BadName, CannotProvision, and what the admin raises.
    """
    names = settings.names
    check_names(names, versions)
    if not create_input and not admin.describe([names.input]):
        raise CannotProvision(
            f"The input topic {names.input} does not exist: create it, or leave --no-create-input out."
        )
    made = _make(admin, settings, [topic.name for topic in topic_table(names, (), ANY_SIZE)])
    lanes = _make_lanes(admin, settings, versions, only_grow)
    groups = [_start_router(admin, settings), *(start_worker(admin, settings, version) for version in versions)]
    compared = (names.routes, names.predictions, names.shadow_predictions)
    groups.append(_start_behind(admin, names.comparator_group, compared, "comparator"))
    return Provisioned([*made, *lanes], groups)


def provision_endpoint(log: Log, settings: Settings, *, create_input: bool = True) -> Provisioned:
    """Create or grow what the endpoint needs, and the versions whose topics its deployments know of.

    A missing lane of production is made anew, since nothing is answered without it: records that were in it and had no
    answer get none. Any other's stays missing where it may have held what the version owes. Raises BadName,
    CannotProvision, and what the log raises.
    """
    with log.admin() as admin:
        known = admin.describe([settings.names.deployments])
        state = DeploymentsLog(log, settings.names, "topics").read().state if known else State()
        versions = [version for version, standing in state.versions.items() if not standing.pruned]
        only_grow = [version for version in versions if may_owe(state.versions[version])]
        return provision(admin, settings, versions, create_input=create_input, only_grow=only_grow)


def provision_topics(admin: Admin, settings: Settings, topics: Collection[str]) -> list[TopicRow]:
    """Create or grow some of the endpoint's own topics, and record nothing.

    Raises CannotProvision, and what the admin raises.
    """
    return _make(admin, settings, topics)


def provision_version(admin: Admin, settings: Settings, version: str, *, only_grow: bool = False) -> Provisioned:
    """Create or grow both lanes of a version, and record where its workers start, where that is not recorded yet.

    only_grow: a lane that is missing is not made. Raises BadName, CannotProvision where a lane is not as it should be,
    and what the admin raises.
    """
    names = settings.names
    if not admin.describe([names.input]):
        raise CannotProvision(f"The input topic {names.input} does not exist: run understudy topics first.")
    topics = _make_lanes(admin, settings, [version], [version] if only_grow else [])
    for row in topics:
        if row.action == "left":
            raise CannotProvision(f"{row.name}: {row.problem}.")
    return Provisioned(topics, [start_worker(admin, settings, version)])


def may_owe(standing: Standing) -> bool:
    """Whether a candidate, or a version that left, was sent records that nobody may have answered yet.

    When its lane is lost, reclaimers learn from routes and predictions what it owes. In an empty lane made in its place
    they would find nothing, and believe it.
    """
    return standing.stage in {"shadow", "canary", "retired", "withdrawn"} and not standing.pruned


def follow_growth(admin: Admin, settings: Settings, versions: Sequence[str]) -> list[TopicRow]:
    """Grow the endpoint's topics and these versions' lanes to the input's partitions, and nothing else.

    For roles that run: whoever owns a new partition begins at 0 without being told. Topics that do not exist are left
    out. The endpoint's own come first, for nobody can do without them; then the lanes in the order of versions, and one
    that cannot grow is in nobody's way. Raises what the admin raises.
    """
    names = settings.names
    own = [topic.name for topic in topic_table(names, (), ANY_SIZE) if topic.name != names.input]
    there = admin.describe([*own, *(lane for version in versions for lane in lanes_of(settings, version))])
    table = topic_table(names, (), _sizing(admin, settings))
    grown = [_made(admin, topic, there.get(topic.name)) for topic in table if topic.name in own and topic.name in there]
    lanes = _make_lanes(admin, settings, versions, versions)
    return [*grown, *(row for row in lanes if row.name in there)]


def lanes_of(settings: Settings, version: str) -> tuple[str, str]:
    """The topics of a version's lanes: requests, shadow requests."""
    return settings.names.requests(version), settings.names.shadow_requests(version)


ANY_SIZE: Final = Sizing(partitions=1)
"""Where only the names of a table's topics matter."""


def _make(admin: Admin, settings: Settings, wanted: Collection[str]) -> list[TopicRow]:
    """Create or grow the endpoint's own topics of these names, in the table's order: all, or none."""
    # The input grows first, so what has grown with it is looked at before it.
    existing = admin.describe(wanted)
    chosen = [topic for topic in topic_table(settings.names, (), _sizing(admin, settings)) if topic.name in wanted]
    for topic in chosen:
        there = existing.get(topic.name)
        if there is not None and there.partitions > topic.partitions:
            raise CannotProvision(
                f"{topic.name}: {_too_many(topic, there)}. {settings.names.input} was made anew, or another one is "
                "meant. Name the right one as [input] topic, or use another endpoint name."
            )
    _create(admin, [topic for topic in chosen if topic.name not in existing])
    return [_made(admin, topic, existing.get(topic.name)) for topic in chosen]


def _make_lanes(
    admin: Admin, settings: Settings, versions: Sequence[str], only_grow: Collection[str]
) -> list[TopicRow]:
    """Create or grow both lanes of each version, in their order. What is wrong with one is in no other's way."""
    lanes = {lane: version for version in versions for lane in lanes_of(settings, version)}
    existing = admin.describe(lanes)
    table = {topic.name: topic for topic in topic_table(settings.names, versions, _sizing(admin, settings))}
    lost = {lane for lane, version in lanes.items() if lane not in existing and version in only_grow}
    _create(admin, [table[lane] for lane in lanes if lane not in existing and lane not in lost])
    return [
        TopicRow(lane, 0, "left", LOST.format(version=version))
        if lane in lost
        else _made_alone(admin, table[lane], existing.get(lane))
        for lane, version in lanes.items()
    ]


def _made_alone(admin: Admin, topic: NewTopic, there: TopicInfo | None) -> TopicRow:
    try:
        return _made(admin, topic, there)
    except LogUnavailable:
        raise
    except LogError as error:
        return TopicRow(topic.name, 0 if there is None else there.partitions, "left", str(error).rstrip("."))


def _sizing(admin: Admin, settings: Settings) -> Sizing:
    replicas = settings.topics.replication_factor
    known = admin.describe([settings.names.input]).get(settings.names.input)
    if known is None:
        return Sizing(settings.topics.partitions, replicas)
    largest = int(known.config.get("max.message.bytes", DEFAULT_MAX_MESSAGE_BYTES))
    return Sizing(known.partitions, replicas, largest)


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
    if there.partitions > topic.partitions:
        return TopicRow(topic.name, there.partitions, "left", f"{_too_many(topic, there)}, and cannot shrink")
    problem = "; ".join(_differences(topic, there))
    if there.partitions < topic.partitions:
        _grow(admin, topic)
        return TopicRow(topic.name, topic.partitions, "grown", problem)
    return TopicRow(topic.name, topic.partitions, "there", problem)


def _too_many(topic: NewTopic, there: TopicInfo) -> str:
    return f"it has {there.partitions} partitions, more than the input's {topic.partitions}"


def _grow(admin: Admin, topic: NewTopic) -> None:
    """Grow a topic. A broker refuses what somebody else has done already."""
    try:
        admin.grow(topic.name, topic.partitions)
    except LogError:
        there = admin.describe([topic.name]).get(topic.name)
        if there is None or there.partitions < topic.partitions:
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


def start_worker(admin: Admin, settings: Settings, version: str) -> GroupRow:
    """Record where a version's workers start in its lanes, where that is not recorded yet.

    A lane that is missing is left out. Raises CannotProvision where positions are lost.
    """
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
    return [TopicPartition(name, p) for name in topics if name in described for p in range(described[name].partitions)]
