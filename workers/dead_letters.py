"""Dead letters: records that could not be answered, as they were, with headers that say what happened.

The headers follow Kafka Connect's `__connect.errors.*` convention, so that tools for its dead-letter queues read them.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, NamedTuple

from schemas.encodings import RowEncoder
from workers.rows import plain_text

if TYPE_CHECKING:
    from understudy.core.batches import Headers
    from understudy.core.log.contract import TopicPartition
    from understudy.models.outputs import Failure

MAX_LETTER_BYTES: Final = 1_000_000
"""Of key, value and headers together: within a topic's default limit of 1,048,588."""

FIRST_BYTES: Final = 1_000
CLASS_PREFIX: Final = "understudy."


class Refused(NamedTuple):
    """A record of the input that could not be answered, and why."""

    source: TopicPartition
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    failure: Failure


class Letter(NamedTuple):
    """A record for the dead-letters topic."""

    key: bytes | None
    value: bytes | None
    headers: Headers


class DeadLetters:
    """Writes the dead letters of one model version.

    A letter has the original key, value and headers, and ours behind them. One that would take more than
    `max_bytes` gets a pointer as its value (`schemas/dead_letter.avsc`: where the record is, its size and digest,
    its first bytes); if that is still too large, it loses key and headers of its own too.
    """

    def __init__(self, version: str, max_bytes: int = MAX_LETTER_BYTES) -> None:
        self._version: Final = version
        self._max_bytes: Final = max_bytes
        self._pointers: Final = RowEncoder.of("avro", "dead_letter")

    def letter(self, refused: Refused) -> Letter:
        """The dead letter of a record."""
        ours = self._headers(refused)
        letter = Letter(refused.key, refused.value, refused.headers + ours)
        if _size(letter) <= self._max_bytes:
            return letter
        pointer = self._pointer(refused)
        letter = Letter(refused.key, pointer, refused.headers + ours)
        return letter if _size(letter) <= self._max_bytes else Letter(None, pointer, ours)

    def _headers(self, refused: Refused) -> Headers:
        failure = refused.failure
        told = {
            "topic": refused.source.topic,
            "partition": refused.source.partition,
            "offset": refused.offset,
            "connector.name": self._version,
            "task.id": refused.source.partition,
            "stage": "VALUE_CONVERTER" if failure.kind == "undecodable" else "TRANSFORMATION",
            "class.name": "schemas.encodings.InputDecoder" if failure.kind == "undecodable" else self._version,
            "exception.class.name": CLASS_PREFIX + failure.kind,
            "exception.message": failure.message,
        }
        return tuple((f"__connect.errors.{name}", plain_text(str(value)).encode()) for name, value in told.items())

    def _pointer(self, refused: Refused) -> bytes:
        value = refused.value or b""
        return self._pointers.encode(
            {
                "topic": refused.source.topic,
                "partition": refused.source.partition,
                "offset": refused.offset,
                "size_bytes": len(value),
                "sha256": hashlib.sha256(value).hexdigest(),
                "first_bytes": value[:FIRST_BYTES],
            }
        )


def _size(letter: Letter) -> int:
    headers = sum(4 * len(name) + len(value or b"") for name, value in letter.headers)
    return len(letter.key or b"") + len(letter.value or b"") + headers
