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


NOBODY: Final = -1
"""Producer id, epoch, sequence and leader epoch of a batch that no producer and no broker has stamped."""


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


def fresh(*, base_offset: int, attributes: int, records: int, base_timestamp_ms: int, max_timestamp_ms: int) -> Header:
    """The header of a new batch without gaps; `seal` sets length and checksum."""
    return Header(
        base_offset=base_offset,
        length=0,
        leader_epoch=NOBODY,
        magic=MAGIC,
        crc=0,
        attributes=attributes,
        last_offset_delta=records - 1,
        base_timestamp_ms=base_timestamp_ms,
        max_timestamp_ms=max_timestamp_ms,
        producer_id=NOBODY,
        producer_epoch=NOBODY,
        base_sequence=NOBODY,
        records=records,
    )


def seal_header(header: Header, body: bytes | memoryview) -> Header:
    """The header with length and checksum set for `body`."""
    length = HEADER_BYTES - LENGTH_EXCLUDES_BYTES + memoryview(body).nbytes
    head = HEADER.pack(*header)
    return header._replace(length=length, crc=crc32c(body, crc32c(head[CRC_COVERS_FROM:])))


def seal(header: Header, body: bytes | memoryview) -> tuple[Header, bytes]:
    """The header as `seal_header` has it, and the whole batch's bytes (one copy of the body)."""
    sealed = seal_header(header, body)
    return sealed, b"".join((HEADER.pack(*sealed), body))
