"""The produce request: whole batches, copied once, from where they lie into the bytes that are sent.

The library's own encoder would copy each batch twice more, after one copy for its new header. So the library encodes
the request without topics, and the topics are put in here. The library sends what looks like a request to it (its own
SaslBytesRequest is no more than that).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Any, Final

from kafka.protocol.producer import ProduceRequest

from understudy.core.batches.varints import encode_raw
from understudy.core.log.kafka.client import by_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from understudy.core.batches import Restamped
    from understudy.core.log.contract import TopicPartition
    from understudy.core.log.kafka.transaction_requests import Identity

ACK_TIMEOUT_MS: Final = 10_000
NO_TAGS: Final = b"\0"
NO_TOPICS: Final = encode_raw(1)
"""Lengths of the protocol's compact arrays, texts and bytes are one more than they are; 0 stands for null."""
INT32: Final = Struct(">i")


@dataclass(slots=True)
class BatchesRequest:
    """One batch for each partition, in a request of version 11 or 12, which have one layout."""

    head: Any
    batches: Mapping[TopicPartition, Restamped]

    def __getattr__(self, name: str) -> Any:
        """All that the library asks of a request besides its version and its bytes: key, limits, header."""
        return getattr(self.head, name)

    @property
    def API_VERSION(self) -> int | None:  # noqa: N802 - the library's name
        """Set by the library, after a look at what the broker speaks."""
        version: int | None = self.head.API_VERSION
        return version

    @API_VERSION.setter
    def API_VERSION(self, version: int) -> None:  # noqa: N802 - likewise
        self.head.API_VERSION = version

    def encode(self, version: int | None = None, *, header: bool = False, framed: bool = False) -> bytes:
        """The request's bytes, as the library would encode them."""
        empty = self.head.encode(version=version, header=header, framed=False)
        before = empty.removesuffix(NO_TOPICS + NO_TAGS)
        parts = [before, *self._topics(), NO_TAGS]
        if framed:
            parts.insert(0, INT32.pack(sum(map(len, parts))))
        return b"".join(parts)

    def _topics(self) -> Iterator[bytes | memoryview]:
        topics = by_topic(self.batches.items())
        yield encode_raw(len(topics) + 1)
        for topic, partitions in topics.items():
            name = topic.encode()
            yield encode_raw(len(name) + 1) + name + encode_raw(len(partitions) + 1)
            for index, batch in partitions:
                yield INT32.pack(index) + encode_raw(len(batch) + 1) + batch.head
                yield batch.body
                yield NO_TAGS
            yield NO_TAGS


def produce_request(who: Identity, batches: Mapping[TopicPartition, Restamped]) -> BatchesRequest:
    """One batch for each partition, acknowledged by all replicas in sync."""
    head = ProduceRequest(
        transactional_id=who.transactional_id,
        acks=-1,
        timeout_ms=ACK_TIMEOUT_MS,
        topic_data=[],
        min_version=who.versions.produce,
        max_version=who.versions.produce,
    )
    return BatchesRequest(head, batches)
