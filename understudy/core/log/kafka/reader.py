"""Reading partitions that were named, without a group."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, Self

from kafka import errors

from understudy.core.log.errors import HOW_TO_MAKE_IT, PositionExpired, TopicRecreated, UnknownTopic
from understudy.core.log.kafka.client import RETRIABLE, by_node, refused
from understudy.core.log.kafka.fetch import OutOfRange, fetch_request, scan_fetched
from understudy.core.log.kafka.offsets import held_range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import TopicPartition
    from understudy.core.log.kafka.client import Client

PARTITION_BYTES: Final = 1 << 20
MAX_WAIT_S: Final = 0.5
PAUSE_S: Final = 0.05
TOPICS_CHECK_S: Final = 1.0


class KafkaReader:
    """See `contract.Reader`. One fetch is under way at each broker; the next goes out before a poll returns."""

    def __init__(self, client: Client, start: Mapping[TopicPartition, int]) -> None:
        self._client = client
        self._next = dict(start)
        self._under_way: dict[int, tuple[Any, dict[TopicPartition, int]]] = {}
        self._topic_ids: dict[str, str] = {}
        self._check_at = 0.0

    def poll(self, timeout_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
        """See `contract.Reader.poll`. Raises TopicRecreated too; LogUnavailable for what does not pass by itself."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                found = self._round(deadline)
            except RETRIABLE:
                self._start_over()
                found = {}
            except errors.KafkaError as error:
                raise refused(error, "to be read") from error
            if found or time.monotonic() >= deadline:
                return found

    def _round(self, deadline: float) -> dict[TopicPartition, Sequence[Batch]]:
        """Send what is not under way, wait for an answer, and take what is there."""
        if not self._next:
            self._client.pump(max(0.0, deadline - time.monotonic()))
            return {}
        self._check_topics()
        self._send()
        answered = self._await_any(deadline)
        found: dict[TopicPartition, Sequence[Batch]] = {}
        try:
            for node in answered:
                found.update(self._take(node))
        except OutOfRange as error:
            raise self._expired(error) from error
        return found

    def _await_any(self, deadline: float) -> list[int]:
        """The nodes that have answered, once one has or the time is over."""
        while True:
            wait_s = deadline - time.monotonic()
            self._client.pump(max(0.0, wait_s))
            answered = [node for node, (future, _) in self._under_way.items() if future.is_done]
            if answered or wait_s <= 0:
                return answered

    def _send(self) -> None:
        for node, partitions in by_node(self._client.leaders(self._next)).items():
            if node not in self._under_way:
                asked = {at: self._next[at] for at in partitions}
                request = fetch_request(asked, max_wait_s=MAX_WAIT_S, partition_bytes=PARTITION_BYTES)
                self._under_way[node] = (self._client.send(request, node), asked)

    def _take(self, node: int) -> dict[TopicPartition, Sequence[Batch]]:
        future, asked = self._under_way.pop(node)
        scanned = scan_fetched(self._client.wait([future])[0], asked)
        self._next.update({at: part.next_offset for at, part in scanned.items()})
        return {at: part.batches for at, part in scanned.items() if part.batches}

    def _check_topics(self) -> None:
        """Once a second: the topics must be there, and be the same."""
        if time.monotonic() < self._check_at:
            return
        names = {at.topic for at in self._next}
        found = self._client.topics(names)
        for name in names:
            if name not in found:
                raise UnknownTopic(f"Topic {name} does not exist. {HOW_TO_MAKE_IT}")
            if self._topic_ids.setdefault(name, found[name].topic_id) != found[name].topic_id:
                raise TopicRecreated(f"Topic {name} was deleted and made again: start reading it anew.")
        self._check_at = time.monotonic() + TOPICS_CHECK_S

    def _start_over(self) -> None:
        """After a connection or a leader was lost: look everything up again."""
        self._under_way.clear()
        self._client.forget()
        self._check_at = 0.0
        self._client.pump(PAUSE_S)

    def _expired(self, error: OutOfRange) -> PositionExpired:
        self._under_way.clear()
        first, end = held_range(self._client, error.at)
        return PositionExpired(f"{error.at} was to be read from offset {error.offset}, and holds [{first}, {end}).")

    def position(self, at: TopicPartition) -> int:
        """See `contract.Reader.position`."""
        return self._next[at]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
