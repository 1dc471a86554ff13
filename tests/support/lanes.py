"""A version's lanes and its model, small enough to see through: events with a number, a model that doubles it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.pile import stored

from schemas import single_object
from schemas.encodings import InputDecoder, PredictionEncoder, RowDecoder
from schemas.parsing import parse
from understudy.core.frames import end_of, frame_of, header_batch
from understudy.core.log.contract import Output, TopicPartition
from understudy.core.topics import EndpointTopics
from understudy.models.outputs import Answer, Failure
from understudy.models.scoring import Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.deployments.plan import Role

TOPICS = EndpointTopics("delay")
VERSION = "flights:v1"
REQUESTS = TOPICS.requests(VERSION)
SHADOW_REQUESTS = TOPICS.shadow_requests(VERSION)

EVENT = parse(
    '{"type": "record", "name": "Event", "fields": ['
    '{"name": "id", "type": "string"}, {"name": "x", "type": "double"}, '
    '{"name": "origin", "type": ["null", "string"]}]}',
    "Event",
)


def event(x: float, origin: str | None = "JFK") -> bytes:
    """An encoded event; its id is its number."""
    return single_object.encode(EVENT, {"id": str(x), "x": float(x), "origin": origin})


def decoder() -> InputDecoder:
    return InputDecoder.of("single-object", EVENT)


def encoders() -> Mapping[Role, PredictionEncoder]:
    encoder = PredictionEncoder.of("avro")
    return {"answering": encoder, "shadow": encoder}


@dataclass
class Doubling:
    """Answers 2x; fails for a negative x. Every micro-batch takes `time_ns`. It remembers the micro-batches' sizes."""

    time_ns: int = 1_000
    asked: list[int] = field(default_factory=list)

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        self.asked.append(len(rows))
        numbers = [float(str(row["x"])) for row in rows]
        return Scored(
            [Answer(number=2 * x) if x >= 0 else Failure("model_raised", f"negative: {x}") for x in numbers],
            self.time_ns,
        )


def frame(
    topic: str, batches: Sequence[Batch], *, partition: int = 3, revision: int = 1, source: Sequence[int] | None = None
) -> list[Output]:
    """A frame of these input batches; `source` gives the offsets of their records where gaps lie between them."""
    offsets = source or range(batches[0].base_offset, batches[-1].next_offset)
    header = frame_of(offsets, revision=revision, source_partition=partition)
    return [Output(topic, partition, batch) for batch in (header_batch(header, 0), *batches)]


def events(numbers: Sequence[float], base_offset: int) -> Batch:
    return stored([event(x) for x in numbers], base_offset)


def end(topic: str, base_offset: int, partition: int = 3) -> list[Output]:
    header = end_of(revision=2, source_partition=partition, base_offset=base_offset)
    return [Output(topic, partition, header_batch(header, 0))]


def lane(topic: str, partition: int = 3) -> TopicPartition:
    return TopicPartition(topic, partition)


def row_of(value: bytes | None) -> dict[str, Any]:
    return dict(RowDecoder.of("avro", "prediction").decode(value))
