"""The header of a record batch (format v2): 61 bytes, big-endian."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from crc32c import crc32c

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES: Final = HEADER.size
LENGTH_EXCLUDES_BYTES: Final = 12
"""The length field counts what follows it: neither itself nor the base offset before it."""

CRC_COVERS_FROM: Final = 21
"""The checksum covers the attributes and all that follows, but not the fields that a broker sets on append."""

MAGIC: Final = 2
CODEC_BITS: Final = 0x07
APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20


class Header(NamedTuple):
    """The fields in their order on the wire."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int


def seal(header: Header, body: bytes | memoryview) -> tuple[Header, bytes]:
    """The header with length and checksum set for `body`, and the whole batch's bytes (one copy of the body)."""
    length = HEADER_BYTES - LENGTH_EXCLUDES_BYTES + memoryview(body).nbytes
    head = HEADER.pack(*header._replace(length=length, magic=MAGIC))
    crc = crc32c(body, crc32c(head[CRC_COVERS_FROM:]))
    sealed = header._replace(length=length, magic=MAGIC, crc=crc)
    return sealed, b"".join((HEADER.pack(*sealed), body))
