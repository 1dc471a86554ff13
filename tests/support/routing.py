"""Drives the router's step without a log, and reads back what it sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.pile import Pile

from router.gathering import Limits
from router.step import RouterStep
from schemas.encodings import RowDecoder
from understudy.core.frames import FrameHeader, FrameReader
from understudy.core.log.contract import Polled, Position, TopicPartition
from understudy.core.log.errors import OutputMissing
from understudy.core.topics import EndpointTopics
from understudy.deployments.plan import Lane, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.frames import FrameSlice
    from understudy.core.run import Advance

TOPICS = EndpointTopics("delay")
V1, V2, V4 = "flights:v1", "flights:v2", "flights:v4"
BASIC = Plan.basic(1, V1)
SHADOW = Plan.shadow(1, V1, [V4])
PARTITION = 3
INPUT = TopicPartition(TOPICS.input, PARTITION)

Carried = tuple[int, bytes | None, bytes | None, int]
"""Source offset, key, value and create time of a record."""


@dataclass
class Router:
    """A router's step, the plan that it sees, and a broker's side of it.

    missing: topics whose appends are refused. loses: so many of the next commits are lost. After a refusal or a loss
    the step is given every owned partition anew.
    """

    plan: Plan | None
    limits: Limits = field(default_factory=Limits)
    positions: dict[TopicPartition, Position] = field(default_factory=dict)
    owned: dict[TopicPartition, Position] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    loses: int = 0
    pile: Pile = field(default_factory=Pile)
    excluded: list[tuple[Lane, int, str]] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    inputs: dict[TopicPartition, list[Batch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another instance, that knows nothing and owns nothing."""
        self.owned.clear()
        self.step = RouterStep(
            lambda: self.plan,
            TOPICS,
            self.limits,
            on_excluded=lambda lane, partition, cause: self.excluded.append((lane, partition, cause)),
            on_waiting=self.waited.append,
        )

    def assign(self, *partitions: TopicPartition) -> Advance:
        """Partitions with their committed positions, 0 where there are none, and what lies behind these."""
        self.owned.update({at: self.positions.get(at, Position(0)) for at in partitions or (INPUT,)})
        return self._again()

    def feed(self, *batches: Batch, at: TopicPartition = INPUT) -> Advance:
        """Input batches."""
        self.inputs.setdefault(at, []).extend(batches)
        return self.turn({at: batches})

    def turn(
        self,
        batches: Mapping[TopicPartition, Sequence[Batch]] | None = None,
        *,
        assigned: Mapping[TopicPartition, Position] | None = None,
    ) -> Advance:
        """One advance and its commit; after a refusal, what follows from it, too."""
        advance = self.step.advance(Polled(batches or {}, assigned or {}), 0.0)
        if not (advance.outputs or advance.positions):
            return advance
        refused = sorted({output.topic for output in advance.outputs} & self.missing)
        if refused:
            error = OutputMissing(f"Topic {refused[0]} does not exist.", topic=refused[0])
            if not self.step.refuse(error):
                raise error
        elif self.loses:
            self.loses -= 1
        else:
            self.pile.commit(advance.outputs)
            self.positions.update(advance.positions)
            self.owned.update(advance.positions)
            return advance
        return self._again()

    def _again(self) -> Advance:
        """Every owned partition from its position."""
        behind = {
            at: again
            for at, position in self.owned.items()
            if (again := [batch for batch in self.inputs.get(at, []) if batch.base_offset >= position.offset])
        }
        return self.turn(behind, assigned=dict(self.owned))


def routed(plan: Plan, *batches: Batch, limits: Limits | None = None, note: str | None = None) -> tuple[Pile, Advance]:
    """What one poll of a partition becomes, whose position has the plan's own note unless another is given."""
    step = RouterStep(lambda: plan, TOPICS, limits or Limits())
    position = Position(batches[0].from_offset if batches else 0, plan.to_note() if note is None else note)
    advance = step.advance(Polled({INPUT: batches} if batches else {}, {INPUT: position}), 0.0)
    pile = Pile()
    pile.commit(advance.outputs)
    return pile, advance


def frames(pile: Pile, topic: str, partition: int = PARTITION) -> list[FrameSlice]:
    """Every piece of a lane's frames."""
    reader = FrameReader()
    return [piece for batch in pile.batches(topic, partition) for piece in reader.feed(batch)]


def carried(pile: Pile, topic: str, partition: int = PARTITION) -> list[Carried]:
    """Every record of a lane."""
    return [
        (offset, key, value, time_ms)
        for piece in frames(pile, topic, partition)
        for offset, key, value, time_ms in zip(
            piece.source_offsets, piece.columns.keys, piece.columns.values, piece.columns.timestamps_ms, strict=True
        )
    ]


def expected(batches: Iterable[Batch]) -> list[Carried]:
    """Every record of input batches, as a lane that gets all of them carries it."""
    return [
        (offset, key, value, time_ms if batch.append_time_ms is None else batch.append_time_ms)
        for batch in batches
        for offset, key, value, time_ms in zip(
            batch.columns.offsets,
            batch.columns.keys,
            batch.columns.values,
            batch.columns.timestamps_ms,
            strict=True,
        )
    ]


def routes(pile: Pile, partition: int = PARTITION) -> list[dict[str, Any]]:
    """The route rows of a partition."""
    decode = RowDecoder.of("avro", "route").decode
    return [dict(decode(record.value)) for record in pile.records(TOPICS.routes, partition)]


def kinds(pile: Pile, partition: int = PARTITION) -> list[tuple[str, str, str, int]]:
    """Kind, role, version and revision of every route row."""
    return [(row["kind"], row["role"], row["version"], row["revision"]) for row in routes(pile, partition)]


def named(row: Mapping[str, Any]) -> list[int]:
    """The source offsets that a route row names."""
    fields = ("revision", "source_partition", "base_offset", "span", "count", "share_ppm", "bitmap")
    return list(FrameHeader(**{name: row[name] for name in fields}).offsets())


def owed(pile: Pile, lane: Lane, kind: str = "frame", partition: int = PARTITION) -> list[int]:
    """The source offsets that route rows of a kind name for a lane, in their order."""
    return [
        offset
        for row in routes(pile, partition)
        if (row["version"], row["role"], row["kind"]) == (lane.version, lane.role, kind)
        for offset in named(row)
    ]
