"""Deleting the records of partitions below an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka import errors
from kafka.protocol.admin import DeleteRecordsRequest

from understudy.core.log.contract import TopicPartition
from understudy.core.log.kafka.client import by_node, by_topic, ensure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.core.log.kafka.client import Client

TIMEOUT_MS: Final = 5_000
TO_THE_END: Final = -1


def delete_records(client: Client, before: Mapping[TopicPartition, int]) -> None:
    """Ask the leaders to delete all records below these offsets; an offset behind the end stands for the end.

    Raises UnknownTopic, KafkaError.
    """
    beyond = _delete(client, before)
    if beyond:
        _delete(client, dict.fromkeys(beyond, TO_THE_END))


def _delete(client: Client, before: Mapping[TopicPartition, int]) -> list[TopicPartition]:
    """The partitions that do not reach as far as was asked."""
    nodes = by_node(client.leaders(before))
    futures = [client.send(_request({at: before[at] for at in parts}), node) for node, parts in nodes.items()]
    beyond = []
    for response in client.wait(futures):
        for topic in response.topics:
            for part in topic.partitions:
                at = TopicPartition(topic.name, part.partition_index)
                if part.error_code == errors.OffsetOutOfRangeError.errno:
                    beyond.append(at)
                else:
                    ensure(part.error_code, f"to delete records of {at}")
    return beyond


def _request(before: Mapping[TopicPartition, int]) -> Any:
    """One node's request."""
    topic = DeleteRecordsRequest.DeleteRecordsTopic
    return DeleteRecordsRequest(
        topics=[
            topic(
                name=name,
                partitions=[
                    topic.DeleteRecordsPartition(partition_index=index, offset=offset) for index, offset in parts
                ],
            )
            for name, parts in by_topic(before.items()).items()
        ],
        timeout_ms=TIMEOUT_MS,
        max_version=2,
    )
