"""Committed positions of a group, with their notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from kafka import errors
from kafka.protocol.consumer import OffsetCommitRequest, OffsetFetchRequest

from understudy.core.log.contract import MAX_NOTE_BYTES, Position, TopicPartition
from understudy.core.log.errors import GroupIsLive, NoteTooLong
from understudy.core.log.kafka.client import by_topic, ensure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from understudy.core.log.kafka.client import Client

LIVE_GROUP: Final = (errors.UnknownMemberIdError, errors.IllegalGenerationError, errors.RebalanceInProgressError)


def committed_positions(
    client: Client, group: str, partitions: Iterable[TopicPartition] | None = None
) -> dict[TopicPartition, Position]:
    """The positions that the group has committed; all, or those of the partitions named.

    A position that a transaction is about to move makes it raise UnstableOffsetCommitError, which passes. Raises
    KafkaError.
    """
    topics = None if partitions is None else by_topic((at, None) for at in partitions)
    topic = OffsetFetchRequest.OffsetFetchRequestTopic
    request = OffsetFetchRequest(
        group_id=group,
        topics=None
        if topics is None
        else [topic(name=name, partition_indexes=[index for index, _ in parts]) for name, parts in topics.items()],
        require_stable=True,
        min_version=7,
        max_version=7,
    )
    response = client.call(request, client.coordinator("group", group))
    ensure(response.error_code, group)
    found = {}
    for name, part in ((topic.name, part) for topic in response.topics for part in topic.partitions):
        ensure(part.error_code, f"position of {group} in {name}[{part.partition_index}]")
        if part.committed_offset >= 0:
            found[TopicPartition(name, part.partition_index)] = Position(part.committed_offset, part.metadata or "")
    return found


def commit_positions(client: Client, group: str, positions: Mapping[TopicPartition, Position]) -> None:
    """Commit positions for a group without members. Raises GroupIsLive, NoteTooLong, KafkaError."""
    check_notes(positions)
    topic = OffsetCommitRequest.OffsetCommitRequestTopic
    request = OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=-1,
        member_id="",
        group_instance_id=None,
        topics=[
            topic(name=name, partitions=[offset_entry(topic.OffsetCommitRequestPartition, *part) for part in parts])
            for name, parts in by_topic(positions.items()).items()
        ],
        min_version=8,
        max_version=8,
    )
    response = client.call(request, client.coordinator("group", group))
    for name, part in ((topic.name, part) for topic in response.topics for part in topic.partitions):
        try:
            ensure(part.error_code, f"position of {group} in {name}[{part.partition_index}]")
        except LIVE_GROUP as error:
            raise GroupIsLive(
                f"Group {group} has live members, so its positions cannot be set from outside. Stop them first."
            ) from error


def offset_entry(kind: Any, index: int, position: Position) -> Any:
    """One partition's entry of an offset commit, transactional or not."""
    return kind(
        partition_index=index,
        committed_offset=position.offset,
        committed_leader_epoch=-1,
        committed_metadata=position.note,
    )


def check_notes(positions: Mapping[TopicPartition, Position]) -> None:
    """Raise NoteTooLong for the first note that a broker would refuse."""
    for at, position in positions.items():
        size_bytes = len(position.note.encode())
        if size_bytes > MAX_NOTE_BYTES:
            raise NoteTooLong(
                f"The note with the position of {at} has {size_bytes:,} bytes; at most {MAX_NOTE_BYTES:,} fit. "
                "Nothing was committed."
            )
