"""One record batch: bytes, decoded header, and columns decoded when they are asked for."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from crc32c import crc32c

from understudy.core.batches.compression import Codec, DecompressionTooLarge, inflate
from understudy.core.batches.header import (
    APPEND_TIME_BIT,
    CODEC_BITS,
    CONTROL_BIT,
    CRC_COVERS_FROM,
    HEADER,
    HEADER_BYTES,
    LENGTH_EXCLUDES_BYTES,
    MAGIC,
    TRANSACTIONAL_BIT,
    Header,
)
from understudy.core.batches.records import MAX_RECORDS, Columns, decode_records, read_offset_deltas
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Batch:
    """A record batch. Made by `parse`, `build` and their kin, which see to it that bytes and header agree.

    buffer: the whole batch, header included; it may be a read-only part of a fetch response, since what is only
    forwarded needs no copy of its own. from_offset: records below do not count; the base offset, unless reading
    began in mid-batch.
    """

    buffer: bytes | memoryview = field(repr=False)
    from_offset: int
    header: Header = field(compare=False)
    _columns: Columns | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def data(self) -> bytes:
        """The whole batch, header included."""
        if not isinstance(self.buffer, bytes):
            object.__setattr__(self, "buffer", bytes(self.buffer))
        return self.buffer  # type: ignore[return-value]  # made bytes just above

    @property
    def base_offset(self) -> int:
        return self.header.base_offset

    @property
    def last_offset(self) -> int:
        return self.header.base_offset + self.header.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.header.base_offset + self.header.last_offset_delta + 1

    @property
    def count(self) -> int:
        """Records by the header, those below `from_offset` included."""
        return self.header.records

    @property
    def base_timestamp_ms(self) -> int:
        return self.header.base_timestamp_ms

    @property
    def max_timestamp_ms(self) -> int:
        return self.header.max_timestamp_ms

    @property
    def append_time_ms(self) -> int | None:
        """When the broker appended the batch; None where the records' own times count."""
        return self.header.max_timestamp_ms if self.header.attributes & APPEND_TIME_BIT else None

    @property
    def codec(self) -> Codec:
        return Codec(self.header.attributes & CODEC_BITS)

    @property
    def producer_id(self) -> int:
        return self.header.producer_id

    @property
    def producer_epoch(self) -> int:
        return self.header.producer_epoch

    @property
    def base_sequence(self) -> int:
        return self.header.base_sequence

    @property
    def is_control(self) -> bool:
        return bool(self.header.attributes & CONTROL_BIT)

    @property
    def is_transactional(self) -> bool:
        return bool(self.header.attributes & TRANSACTIONAL_BIT)

    @property
    def is_contiguous(self) -> bool:
        """No offset of the range is missing."""
        return self.header.last_offset_delta + 1 == self.header.records

    @property
    def is_forwardable(self) -> bool:
        """Whether `restamp` takes it: no gaps, no append time, no control records, read from its beginning."""
        header = self.header
        return (
            0 < header.records == header.last_offset_delta + 1
            and not header.attributes & (APPEND_TIME_BIT | CONTROL_BIT)
            and self.from_offset == header.base_offset
        )

    @property
    def size_bytes(self) -> int:
        return len(self.buffer)

    @property
    def columns(self) -> Columns:
        """The records from `from_offset` on; decoded once. Raises CorruptBatch, DecompressionTooLarge, MissingCodec."""
        if self._columns is None:
            object.__setattr__(self, "_columns", _decode(self))
        return self._columns  # type: ignore[return-value]  # set just above


def check_count(records: int) -> None:
    """Raises DecompressionTooLarge for more records than one batch is let have."""
    if records > MAX_RECORDS:
        raise DecompressionTooLarge(f"A batch has {records:,} records; at most {MAX_RECORDS:,} are taken.")


def _decode(batch: Batch) -> Columns:
    check_count(batch.count)
    if batch.codec is Codec.NONE:
        data, at = batch.data, HEADER_BYTES
    else:
        data, at = inflate(memoryview(batch.buffer)[HEADER_BYTES:], batch.codec), 0
    columns = decode_records(data, at, batch.count, batch.base_timestamp_ms)
    offsets = _offsets(batch, data, at)
    return replace(columns, offsets=offsets).between(bisect_left(offsets, batch.from_offset), len(offsets))


def _offsets(batch: Batch, data: bytes, at: int) -> Sequence[int]:
    """A broker counts records as they come, so where none is missing their own deltas have nothing to add."""
    if batch.is_contiguous:
        return range(batch.base_offset, batch.next_offset)
    deltas = read_offset_deltas(data, at, batch.count)
    if any(left >= right for left, right in pairwise((-1, *deltas, batch.header.last_offset_delta + 1))):
        raise CorruptBatch(f"Offsets of the batch at {batch.base_offset} do not rise within its range.")
    return [batch.base_offset + delta for delta in deltas]


def parse(buffer: bytes | memoryview, position: int = 0, from_offset: int | None = None) -> Batch:
    """The batch at `position`; records below `from_offset` are not to count.

    Raises CorruptBatch when length, format, checksum or the counts are wrong.
    """
    header = read_header(buffer, position)
    end = position + LENGTH_EXCLUDES_BYTES + header.length
    if end > len(buffer):
        missing = end - len(buffer)
        raise CorruptBatch(f"The batch at offset {header.base_offset} is cut off: {missing} bytes are missing.")
    part = memoryview(buffer)[position:end]
    if crc32c(part[CRC_COVERS_FROM:]) != header.crc:
        raise CorruptBatch(f"The checksum of the batch at offset {header.base_offset} is wrong.")
    return Batch(part if part.readonly else bytes(part), max(header.base_offset, from_offset or 0), header)


def read_header(buffer: bytes | memoryview, position: int) -> Header:
    """The header at `position`. Raises CorruptBatch when it is cut off, of another format, or contradicts itself."""
    if position + HEADER_BYTES > len(buffer):
        raise CorruptBatch(f"A batch's header is cut off: {len(buffer) - position} of {HEADER_BYTES} bytes are there.")
    header = Header(*HEADER.unpack_from(buffer, position))
    where = f"The batch at offset {header.base_offset} states"
    if header.magic != MAGIC:
        raise CorruptBatch(f"{where} format {header.magic}: only format 2 is read, which Kafka writes since 0.11.")
    if header.length < HEADER_BYTES - LENGTH_EXCLUDES_BYTES:
        raise CorruptBatch(f"{where} an impossible length of {header.length} bytes.")
    if header.base_offset < 0:
        raise CorruptBatch(f"{where} a negative offset.")
    if not 0 <= header.records <= header.last_offset_delta + 1:
        raise CorruptBatch(f"{where} {header.records} records in {header.last_offset_delta + 1} offsets.")
    if header.attributes & CODEC_BITS > Codec.ZSTD:
        raise CorruptBatch(f"{where} an unknown codec, {header.attributes & CODEC_BITS}.")
    return header
