"""Asks a log for all that the status of an endpoint is made of."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from schemas.encodings import RowDecoder
from understudy.app.records.reading_rows import errors_in, times_ms
from understudy.app.status.counting import Counting
from understudy.app.status.facts import Group, Lane, Status
from understudy.core.log.contract import Position, TopicPartition
from understudy.core.topics import Sizing, topic_table
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from understudy.app.status.facts import RoleName
    from understudy.core.batches import Batch
    from understudy.core.log.contract import Admin, Log
    from understudy.core.settings import Settings
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.fold import Standing, State

PATIENCE_S: Final = 10.0
"""How long reading to the end may take; what is behind a transaction that stays open is then left out."""
POLL_S: Final = 0.5
NEAR_OFFSETS: Final = 50
"""A partition that is behind by less is read, to tell records from markers."""
LETTERS: Final = 200
"""Offsets at the end of each partition of dead letters that are looked at."""


def gather(log: Log, settings: Settings) -> Status:
    """The status now. Raises BadName, LogUnavailable."""
    names = settings.names
    with log.admin() as admin:
        if missing := _missing(admin, names, ()):
            return Status(settings.endpoint, missing_topics=missing)
        state = DeploymentsLog(log, names, "status").read().state
        needed = [version for version, standing in state.versions.items() if _is_needed(standing)]
        missing = _missing(admin, names, needed)
        there = [version for version in state.versions if not _lacks(admin, names, version)]
        groups = [_group(log, admin, names, *wanted) for wanted in _wanted(there)]
        followed = _followed(admin.positions(names.router_group))
    shown = [group for group in groups if group.version is None or group.version in needed or _is_alive(group)]
    return Status(settings.endpoint, state, shown, _lanes(log, names, state), missing, followed)


def _missing(admin: Admin, names: EndpointTopics, versions: Sequence[str]) -> list[str]:
    wanted = [topic.name for topic in topic_table(names, versions, Sizing(partitions=1))]
    there = admin.describe(wanted)
    return [name for name in wanted if name not in there]


def _lacks(admin: Admin, names: EndpointTopics, version: str) -> bool:
    """Whether a lane of the version is missing."""
    lanes = {names.requests(version), names.shadow_requests(version)}
    return len(admin.describe(lanes)) < len(lanes)


def _is_needed(standing: Standing) -> bool:
    return standing.is_in_plan or standing.stage == "prepared"


def _is_alive(group: Group) -> bool:
    """Whether a version that left still has something to do, or somebody who would."""
    return bool(group.members or group.behind)


def _followed(positions: Mapping[TopicPartition, Position]) -> tuple[int, ...]:
    """The plan's revisions that a router follows, by its notes."""
    return tuple(sorted({Plan.from_note(position.note).revision for position in positions.values() if position.note}))


def _wanted(versions: Sequence[str]) -> Iterator[tuple[RoleName, str | None]]:
    yield "router", None
    for version in versions:
        yield "worker", version
    yield "comparator", None


def _group(log: Log, admin: Admin, names: EndpointTopics, role: RoleName, version: str | None) -> Group:
    name, topics = _subscription(names, role, version)
    described = admin.describe(topics)
    partitions = [TopicPartition(topic, p) for topic in topics for p in range(described[topic].partitions)]
    positions = admin.positions(name)
    members = admin.members(name)
    return Group(
        name,
        role,
        version,
        tuple(sorted(member.slot for member in members)),
        len(partitions),
        len({at for member in members for at in member.partitions}),
        _behind(log, positions, admin.end_offsets(partitions)),
    )


def _subscription(names: EndpointTopics, role: RoleName, version: str | None) -> tuple[str, tuple[str, ...]]:
    if version is not None:
        return names.worker_group(version), (names.requests(version), names.shadow_requests(version))
    if role == "router":
        return names.router_group, (names.input,)
    return names.comparator_group, (names.routes, names.predictions, names.shadow_predictions)


def _behind(log: Log, positions: Mapping[TopicPartition, Position], ends: Mapping[TopicPartition, int]) -> int:
    """Offsets not committed yet. Near the end records are counted, for a transaction's marker is no work."""
    worked_to = {at: worked(positions.get(at, Position(0))) for at in ends}
    far = {at: ends[at] - offset for at, offset in worked_to.items()}
    near = {at: worked_to[at] for at, offsets in far.items() if 0 < offsets <= NEAR_OFFSETS}
    counted = sum(len(batch.columns) for _, batch in _read(log, near, ends))
    return counted + sum(max(0, offsets) for at, offsets in far.items() if at not in near)


def worked(position: Position) -> int:
    """The offset up to which a group has worked: its position, or beyond it what the note says.

    A worker's note counts the records of a frame that are done, behind the frame's header; a comparator's says
    what it has seen.
    """
    try:
        note = json.loads(position.note)
    except ValueError:
        return position.offset
    match note:
        case {"done": int(done)}:
            return position.offset + 1 + done
        case {"seen": int(seen)}:
            return max(position.offset, seen)
    return position.offset


def _lanes(log: Log, names: EndpointTopics, state: State) -> list[Lane]:
    counting, decode = Counting(), RowDecoder.of("avro", "comparison").decode
    for _, value, _ in _records(log, names.comparisons, None):
        counting.add(decode(value))
    errors = _latest_errors(log, names.dead_letters)
    planned = [] if state.plan is None else [(lane.version, lane.role) for lane in state.plan.lanes()]
    return [
        counting.lane(version, role, errors.get(version)) for version, role in (*planned, *counting.others(planned))
    ]


def _latest_errors(log: Log, topic: str) -> dict[str, str]:
    """By version, kind and text of its latest dead letter, where it stands near the end of the topic."""
    latest: dict[str, tuple[int, str]] = {}
    for timestamp_ms, _, headers in _records(log, topic, LETTERS):
        told: Mapping[str, Any] = errors_in(headers)
        version = str(told.get("connector.name"))
        kind = str(told.get("exception.class.name", "")).rpartition(".")[2]
        if timestamp_ms >= latest.get(version, (-1, ""))[0]:
            latest[version] = timestamp_ms, f"{kind}: {told.get('exception.message')}"
    return {version: text for version, (_, text) in latest.items()}


def _records(log: Log, topic: str, last: int | None) -> Iterator[tuple[int, bytes | None, Any]]:
    """Time, value and headers of a topic's records: all, or those of the last offsets of each partition."""
    with log.admin() as admin:
        partitions = [TopicPartition(topic, p) for p in range(admin.describe([topic])[topic].partitions)]
        first, ends = admin.start_offsets(partitions), admin.end_offsets(partitions)
    start = {at: first[at] if last is None else max(first[at], ends[at] - last) for at in partitions}
    for _, batch in _read(log, start, ends):
        columns = batch.columns
        yield from zip(times_ms(batch), columns.values, columns.headers, strict=True)


def _read(
    log: Log, start: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> Iterator[tuple[TopicPartition, Batch]]:
    """Everything visible from `start` up to `ends`."""
    if not start:
        return
    deadline_s = time.monotonic() + PATIENCE_S
    with log.reader(start) as reader:
        while any(reader.position(at) < ends[at] for at in start) and time.monotonic() < deadline_s:
            for at, batches in reader.poll(POLL_S).items():
                for batch in batches:
                    yield at, batch
