"""The requests of a transaction, in the versions of KIP-890 (transaction.version 2) and of the protocol before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from kafka.protocol.admin import DescribeTransactionsRequest
from kafka.protocol.producer import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    TxnOffsetCommitRequest,
)

from understudy.core.log.contract import Position, TopicPartition
from understudy.core.log.kafka.client import by_topic
from understudy.core.log.kafka.positions import offset_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from understudy.core.log.kafka.client import TransactionVersion

NO_PRODUCER: Final = -1
End = Literal["commit", "abort"]
ENDS: Final[Mapping[str, End]] = {
    "PrepareCommit": "commit",
    "CompleteCommit": "commit",
    "PrepareAbort": "abort",
    "CompleteAbort": "abort",
}
"""A coordinator's states of a transactional id whose transaction has ended, or is about to."""


@dataclass(frozen=True, slots=True)
class Versions:
    """Request versions. implicit: partitions join a transaction by being written, and its end raises the epoch."""

    init_producer_id: int
    produce: int
    txn_offset_commit: int
    end_txn: int
    implicit: bool


VERSIONS: Final[Mapping[TransactionVersion, Versions]] = {
    1: Versions(init_producer_id=4, produce=11, txn_offset_commit=3, end_txn=4, implicit=False),
    2: Versions(init_producer_id=5, produce=12, txn_offset_commit=5, end_txn=5, implicit=True),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who writes: the transactional id, and the producer id and epoch that the coordinator gave it."""

    transactional_id: str
    versions: Versions
    producer_id: int = NO_PRODUCER
    epoch: int = NO_PRODUCER

    @property
    def is_known(self) -> bool:
        """Whether the coordinator has given an id and an epoch."""
        return self.producer_id != NO_PRODUCER


@dataclass(frozen=True, slots=True)
class Member:
    """A group member as the broker checks it when positions are committed."""

    generation: int
    member_id: str
    instance_id: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The positions that a transaction moves."""

    group: str
    member: Member
    positions: Mapping[TopicPartition, Position]


def init_request(who: Identity, timeout_ms: int) -> Any:
    """Take the transactional id, or renew it where `who` has an epoch already."""
    return InitProducerIdRequest(
        transactional_id=who.transactional_id,
        transaction_timeout_ms=timeout_ms,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        max_version=who.versions.init_producer_id,
    )


def add_partitions_request(who: Identity, partitions: Iterable[TopicPartition]) -> Any:
    """Tell the coordinator which partitions will be written (version 1 only)."""
    topic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
    return AddPartitionsToTxnRequest(
        v3_and_below_transactional_id=who.transactional_id,
        v3_and_below_producer_id=who.producer_id,
        v3_and_below_producer_epoch=who.epoch,
        v3_and_below_topics=[
            topic(name=name, partitions=[index for index, _ in parts])
            for name, parts in by_topic((at, None) for at in partitions).items()
        ],
        max_version=3,
    )


def add_offsets_request(who: Identity, group: str) -> Any:
    """Tell the coordinator which group's positions will move (version 1 only)."""
    return AddOffsetsToTxnRequest(
        transactional_id=who.transactional_id,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        group_id=group,
        max_version=3,
    )


def positions_request(who: Identity, moved: Moved) -> Any:
    """Move a group's positions with the transaction."""
    topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
    entry = topic.TxnOffsetCommitRequestPartition
    return TxnOffsetCommitRequest(
        transactional_id=who.transactional_id,
        group_id=moved.group,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        generation_id=moved.member.generation,
        member_id=moved.member.member_id,
        group_instance_id=moved.member.instance_id,
        topics=[
            topic(name=name, partitions=[offset_entry(entry, *part) for part in parts])
            for name, parts in by_topic(moved.positions.items()).items()
        ],
        max_version=who.versions.txn_offset_commit,
    )


def end_request(who: Identity, *, committed: bool = True) -> Any:
    """Commit the transaction, or abort it."""
    return EndTxnRequest(
        transactional_id=who.transactional_id,
        producer_id=who.producer_id,
        producer_epoch=who.epoch,
        committed=committed,
        max_version=who.versions.end_txn,
    )


def describe_request(who: Identity) -> Any:
    """Ask for the coordinator's state of the transactional id."""
    return DescribeTransactionsRequest(transactional_ids=[who.transactional_id], max_version=0)


def has_only_ended(who: Identity, found: Any) -> bool:
    """Whether the id's state, as answered to `describe_request`, is that after the end of `who`'s own transaction.

    Such an end, be it a commit or an abort by time-out, raises the epoch by one. Another instance that takes the id
    raises it by one as well, but leaves it Empty, and the ends of its own transactions raise it further. (Before
    KIP-890 ends did not raise the epoch, and nothing can be told from it.)
    """
    is_next = (found.producer_id, found.producer_epoch) == (who.producer_id, who.epoch + 1)
    return who.versions.implicit and is_next and end_of(found) is not None


def end_of(found: Any) -> End | None:
    """How the id's last transaction ended, by an answer to `describe_request`; None where it was taken since."""
    return ENDS.get(found.transaction_state)


def added_codes(answer: Any) -> set[int]:
    """The error codes of an answer to `add_partitions_request`."""
    topics = answer.results_by_topic_v3_and_below
    return {part.partition_error_code for topic in topics for part in topic.results_by_partition}


def produced_codes(answer: Any) -> dict[TopicPartition, int]:
    """The error code of each partition in an answer to `produce_request`."""
    return {
        TopicPartition(topic.name, part.index): part.error_code
        for topic in answer.responses
        for part in topic.partition_responses
    }


def position_codes(answer: Any) -> set[int]:
    """The error codes of an answer to `positions_request`."""
    return {part.error_code for topic in answer.topics for part in topic.partitions}
