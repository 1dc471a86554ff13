"""Offsets of partitions: first, end, and by time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kafka.protocol.consumer import IsolationLevel, ListOffsetsRequest

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import PositionExpired
from understudy.core.log.kafka.client import by_node, by_topic, ensure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from understudy.core.log.kafka.client import Client

EARLIEST: Final = -2
LATEST: Final = -1


def list_offsets(
    client: Client, partitions: Iterable[TopicPartition], timestamp_ms: int
) -> dict[TopicPartition, int | None]:
    """By partition: EARLIEST, LATEST (of read_uncommitted), or the first offset at or after a time; None if none is.

    Raises UnknownTopic, KafkaError.
    """
    nodes = by_node(client.leaders(partitions))
    futures = [client.send(request(parts, timestamp_ms), node) for node, parts in nodes.items()]
    found: dict[TopicPartition, int | None] = {}
    for response in client.wait(futures):
        for topic in response.topics:
            for part in topic.partitions:
                at = TopicPartition(topic.name, part.partition_index)
                ensure(part.error_code, str(at))
                found[at] = part.offset if part.offset >= 0 else None
    return found


def request(partitions: Iterable[TopicPartition], timestamp_ms: int) -> ListOffsetsRequest:
    """One node's request."""
    topic = ListOffsetsRequest.ListOffsetsTopic
    return ListOffsetsRequest(
        replica_id=-1,
        isolation_level=IsolationLevel.READ_UNCOMMITTED,
        topics=[
            topic(
                name=name,
                partitions=[
                    topic.ListOffsetsPartition(partition_index=index, current_leader_epoch=-1, timestamp=timestamp_ms)
                    for index, _ in parts
                ],
            )
            for name, parts in by_topic((at, None) for at in partitions).items()
        ],
        min_version=5,
        max_version=7,
    )


def held_range(client: Client, at: TopicPartition) -> tuple[int, int]:
    """First offset that is still there, and end. Raises UnknownTopic, KafkaError."""
    first, end = (list_offsets(client, [at], which)[at] for which in (EARLIEST, LATEST))
    return first or 0, end or 0


def position_expired(group: str, at: TopicPartition, offset: int, held: tuple[int, int]) -> PositionExpired:
    """The error that says where a group's position is, what the partition still holds, and the way back."""
    first, end = held
    return PositionExpired(
        f"Group {group} stands at offset {offset} of {at}, which now holds [{first}, {end}). "
        f"{describe_loss(offset, first, end)} To go on, set the position with `understudy positions restore`."
    )


def describe_loss(offset: int, first: int, end: int) -> str:
    """What lies between a position and what a partition still holds."""
    if offset < first:
        return f"Records {offset} to {first - 1} are gone (retention or a deletion)."
    return f"Records {end} to {offset - 1} were there once and are gone."
