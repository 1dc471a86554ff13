"""Where a version's workers stopped: in each lane, before the first record that has no answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from schemas.encodings import RowDecoder
from understudy.app.provision import lanes_of
from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.found import Found, Gap, gaps
from understudy.app.wire_schemas import prediction_decoder
from understudy.core.frames import FrameError, decode_header
from understudy.core.log.contract import Position, TopicPartition
from understudy.core.log.reading import read_to_end
from workers.lanes import LanePartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from understudy.core.batches import Batch
    from understudy.core.frames import FrameHeader
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.plan import Role

Frame = tuple[int, int, int, int]
"""Of a routed frame: revision, base offset, span, count."""

NOTHING: Final = -1


def worker_positions(log: Log, settings: Settings, version: str) -> list[Found]:
    """The lost positions of a version's group.

    Raises CannotRestore where predictions are gone, too; BadName, SettingsError, UnknownTopic, LogUnavailable.
    """
    names = settings.names
    requests, shadow_requests = lanes_of(settings, version)
    with log.admin() as admin:
        lost = gaps(admin, names.worker_group(version), [requests, shadow_requests])
    found = _lane(log, settings, version, "answering", [gap for gap in lost if gap.at.topic == requests])
    return [*found, *_lane(log, settings, version, "shadow", [gap for gap in lost if gap.at.topic == shadow_requests])]


def _lane(log: Log, settings: Settings, version: str, role: Role, lost: list[Gap]) -> list[Found]:
    if not lost:
        return []
    names = settings.names
    answers = names.predictions if role == "answering" else names.shadow_predictions
    answered, routed = _answered(log, settings, answers, version), _routed(log, names.routes, version, role)
    silent = [gap for gap in lost if gap.at.partition not in answered and routed[gap.at.partition]]
    _refuse_deleted(log, answers, silent, version)
    walks = {
        gap.at: _Walk(gap, role, answered.get(gap.at.partition, NOTHING), routed[gap.at.partition]) for gap in lost
    }
    for at, batch in read_to_end(log, lost[0].at.topic):
        if at in walks:
            walks[at].take(batch)
    return [walk.found() for walk in walks.values()]


def _refuse_deleted(log: Log, answers: str, silent: list[Gap], version: str) -> None:
    """Where nothing is answered, it must not be because the answers were deleted."""
    with log.admin() as admin:
        first = admin.start_offsets([TopicPartition(answers, gap.at.partition) for gap in silent])
    for gap in silent:
        p = gap.at.partition
        if first[TopicPartition(answers, p)]:
            raise CannotRestore(
                f"{answers} has no answer of {version} in partition {p}, and its first ones were deleted, so it is not "
                f"known how far {gap.at} was answered. Set the position of the group with Kafka's "
                "kafka-consumer-groups, or deploy the model under a new version."
            )


def _answered(log: Log, settings: Settings, topic: str, version: str) -> dict[int, int]:
    """The last source offset that has a row, by partition; whoever wrote it."""
    decode = prediction_decoder(settings).decode
    last: dict[int, int] = {}
    for row in _rows(log, topic, decode):
        if row["routed_version"] == version:
            partition = row["source_partition"]
            last[partition] = max(last.get(partition, NOTHING), row["source_offset"] + row["span"] - 1)
    return last


def _routed(log: Log, topic: str, version: str, role: Role) -> defaultdict[int, list[Frame]]:
    """The frames that the lane was sent, by partition."""
    frames: defaultdict[int, list[Frame]] = defaultdict(list)
    for row in _rows(log, topic, RowDecoder.of("avro", "route").decode):
        if (row["kind"], row["version"], row["role"]) == ("frame", version, role):
            frames[row["source_partition"]].append((row["revision"], row["base_offset"], row["span"], row["count"]))
    return frames


def _rows(log: Log, topic: str, decode: Any) -> Iterator[Mapping[str, Any]]:
    for _, batch in read_to_end(log, topic):
        yield from map(decode, batch.columns.values)


class _Walk:
    """Through one partition of a lane, up to the first record that has no row.

    Where the lane's beginning was deleted, it starts at the first frame header that a route row confirms.
    """

    def __init__(self, gap: Gap, role: Role, answered_to: int, routed: list[Frame]) -> None:
        self._gap: Final = gap
        self._role: Final[Role] = role
        self._answered_to: Final = answered_to
        self._frames: Final = set(routed)
        self._unanswered: Final = [base for _, base, span, _ in routed if base + span - 1 > answered_to]
        self._lane: LanePartition | None = None if gap.first else LanePartition(gap.at, role, Position(0))
        self._begins_with = 0
        self._position = Position(gap.end if gap.first else 0)

    def take(self, batch: Batch) -> None:
        """Take the next batch of the lane."""
        if self._lane is None:
            header = _header(batch)
            if header is None or _frame(header) not in self._frames:
                return
            self._position = Position(batch.base_offset)
            self._lane, self._begins_with = LanePartition(self._gap.at, self._role, self._position), header.base_offset
        if len(self._lane):
            return  # it stands before a record that has no answer
        self._lane.feed([batch])
        parts = self._lane.peek(len(self._lane))
        self._lane.drop(sum(offset <= self._answered_to for part in parts for offset in part.source_offsets))
        self._position = self._lane.moved() or self._position

    def found(self) -> Found:
        """Where the lane goes on."""
        known = "nothing is answered" if self._answered_to == NOTHING else f"answered to {self._answered_to}"
        return Found(self._gap.at, self._position, f"answers ({known})", self._lost())

    def _lost(self) -> str:
        """Frames without an answer that the lane does not hold any more."""
        if not self._gap.first:
            return ""
        gone = [base for base in self._unanswered if self._lane is None or base < self._begins_with]
        return f"{len(gone)} frames, from source offset {min(gone)} on, were deleted unanswered" if gone else ""


def _header(batch: Batch) -> FrameHeader | None:
    if batch.count != 1:
        return None
    try:
        return decode_header(batch.columns.values[0] or b"", batch.base_offset)
    except FrameError:
        return None


def _frame(header: FrameHeader) -> Frame:
    return header.revision, header.base_offset, header.span, header.count
