"""Whole record batches out of fetch responses: inside the library's consumer, and in requests of our own."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from kafka import errors
from kafka.protocol.consumer import FetchRequest, IsolationLevel

from understudy.core.batches import AbortedTransaction, Scanned, scan, split
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import CorruptBatch, LogError
from understudy.core.log.kafka.client import by_node, by_topic, ensure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.kafka.client import Client

RESPONSE_MAX_BYTES: Final = 50 << 20


class OutOfRange(LogError):
    """A fetch asked for an offset that the partition does not hold."""

    def __init__(self, at: TopicPartition, offset: int) -> None:
        super().__init__(f"{at} does not hold offset {offset}.")
        self.at = at
        self.offset = offset


class WholeBatches:
    """Takes the place of the library's `Fetcher.PartitionRecords`: yields batches where that yields records.

    The names, the constructor and the attributes are the library's; `selfcheck` compares them.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - the library's constructor
        self,
        fetch_offset: int,
        tp: Any,
        records: Any,
        key_deserializer: object = None,  # noqa: ARG002 - batches are not deserialized
        value_deserializer: object = None,  # noqa: ARG002 - likewise
        check_crcs: bool = True,  # noqa: ARG002 - always checked
        isolation_level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,  # noqa: ARG002 - the list below says it
        aborted_transactions: Sequence[Any] | None = None,
        metric_aggregator: Any = None,
        on_drain: Callable[[WholeBatches], None] = lambda _: None,
    ) -> None:
        self.fetch_offset = self.next_fetch_offset = fetch_offset
        self.topic_partition = tp
        self.leader_epoch = -1
        self.bytes_read = self.records_read = 0
        self._buffer = records._buffer  # noqa: SLF001 - the seam
        self._aborted = aborted_transactions
        self._metrics = metric_aggregator
        self._on_drain = on_drain
        self._live = True

    def __bool__(self) -> bool:
        return self._live

    def take(self, n: int | None = None) -> Sequence[Batch]:  # noqa: ARG002 - a response is taken whole
        """All batches of the response. Raises CorruptBatch."""
        found = scan_response(TopicPartition(*self.topic_partition), self._buffer, self.fetch_offset, self._aborted)
        # The epoch belongs to the offset: a marker may be of a later leader than the records before it, whose log
        # would seem to have been truncated.
        self.next_fetch_offset, self.leader_epoch = found.next_offset, found.leader_epoch
        self.bytes_read = len(self._buffer)
        self.records_read = sum(batch.count for batch in found.batches)
        self.drain()
        return found.batches

    def drain(self) -> None:
        """Let go of the response."""
        if self._live:
            self._live = False
            self._buffer = b""
            if self._metrics:
                self._metrics.record(self.topic_partition, self.bytes_read, self.records_read)
            self._on_drain(self)


def scan_response(
    at: TopicPartition, buffer: bytes | memoryview, offset: int, aborted: Iterable[Any] | None
) -> Scanned:
    """The committed batches of one partition's response. Raises CorruptBatch that names the partition."""
    transactions = [AbortedTransaction(entry.first_offset, entry.producer_id) for entry in aborted or ()]
    try:
        return scan(buffer, offset, transactions)
    except CorruptBatch as error:
        raise CorruptBatch(
            f"{at}, reading from offset {offset}: {error} Nothing behind it is read. Restore the records from a "
            "replica, or delete them up to there, then move the position with `understudy positions restore`."
        ) from error


def fetch_request(
    offsets: Mapping[TopicPartition, int], *, max_wait_s: float, partition_bytes: int, min_bytes: int = 1
) -> Any:
    """A read_committed fetch outside any fetch session."""
    part, topic = FetchRequest.FetchTopic.FetchPartition, FetchRequest.FetchTopic
    return FetchRequest(
        max_wait_ms=int(max_wait_s * 1000),
        min_bytes=min_bytes,
        max_bytes=RESPONSE_MAX_BYTES,
        isolation_level=IsolationLevel.READ_COMMITTED,
        session_id=0,
        session_epoch=-1,
        topics=[
            topic(
                topic=name,
                partitions=[
                    part(
                        partition=index,
                        current_leader_epoch=-1,
                        fetch_offset=offset,
                        last_fetched_epoch=-1,
                        partition_max_bytes=partition_bytes,
                    )
                    for index, offset in partitions
                ],
            )
            for name, partitions in by_topic(offsets.items()).items()
        ],
        forgotten_topics_data=[],
        rack_id="",
        min_version=11,
        max_version=12,
    )


def scan_fetched(response: Any, asked: Mapping[TopicPartition, int]) -> dict[TopicPartition, Scanned]:
    """What a response to `fetch_request` holds. Raises OutOfRange, CorruptBatch, KafkaError."""
    ensure(response.error_code, "fetch")
    found = {}
    for topic in response.responses:
        for part in topic.partitions:
            at = TopicPartition(topic.topic, part.partition_index)
            if part.error_code == errors.OffsetOutOfRangeError.errno:
                raise OutOfRange(at, asked[at])
            ensure(part.error_code, str(at))
            found[at] = scan_response(at, part.records or b"", asked[at], part.aborted_transactions)
    return found


def fetch_once(
    client: Client, offsets: Mapping[TopicPartition, int], partition_bytes: int
) -> dict[TopicPartition, Scanned]:
    """What the partitions hold from these offsets on, about `partition_bytes` each, without waiting for more.

    Raises OutOfRange, CorruptBatch, UnknownTopic, KafkaError.
    """
    nodes = by_node(client.leaders(offsets))
    asked = {node: {at: offsets[at] for at in partitions} for node, partitions in nodes.items()}
    futures = [
        client.send(fetch_request(part, max_wait_s=0, partition_bytes=partition_bytes), node)
        for node, part in asked.items()
    ]
    found: dict[TopicPartition, Scanned] = {}
    for response, part in zip(client.wait(futures), asked.values(), strict=True):
        found.update(scan_fetched(response, part))
    return found


def read_between(
    client: Client,
    spans: Mapping[TopicPartition, tuple[int, int]],
    partition_bytes: int,
    deadline: float,
) -> dict[TopicPartition, list[Batch]]:
    """About `partition_bytes` of batches of each span [from, until). Batches are whole: the last may reach beyond.

    A partition without an entry had not answered by the deadline. Raises OutOfRange, CorruptBatch, UnknownTopic.
    """
    done: dict[TopicPartition, list[Batch]] = {at: [] for at, (start, end) in spans.items() if start >= end}
    pending = {at: start for at, (start, _) in spans.items() if at not in done}
    while pending:
        try:
            found = client.retry(partial(fetch_once, client, pending, partition_bytes), deadline)
        except errors.KafkaError:
            return done
        for at, scanned in found.items():
            until = spans[at][1]
            batches = [batch for batch in scanned.batches if batch.base_offset < until]
            if batches or scanned.next_offset >= until:
                done[at] = batches
        pending = {at: max(found[at].next_offset, pending[at]) for at in pending if at not in done}
        if time.monotonic() >= deadline:
            break
    return done


def cut(batches: Sequence[Batch], until: int) -> list[Batch]:
    """The batches without records at or behind `until`."""
    whole = [batch for batch in batches if batch.next_offset <= until]
    for batch in batches[len(whole) :]:
        before, _ = split(batch, [offset < until for offset in batch.columns.offsets])
        if before is not None:
            whole.append(before)
    return whole
