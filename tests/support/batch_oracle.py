"""kafka-python's own record classes as the oracle for batches, and what hypothesis draws them from."""

from __future__ import annotations

import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from understudy.core.batches import Batch, Codec, Headers, Record, parse
from understudy.core.batches.header import HEADER_BYTES, seal

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python's way to load its own files, on Python 3.11
    from kafka import codec as their_codec
    from kafka.record import util as their_util
    from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "CODECS",
    "RECORDS",
    "THEIRS",
    "DefaultRecordBatch",
    "Seen",
    "altered",
    "expected",
    "ours",
    "seen",
    "their_util",
    "written",
]

BIG = 1 << 30


class TheirCodec(NamedTuple):
    """kafka-python's way with one codec."""

    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


THEIRS = MappingProxyType(
    {
        Codec.GZIP: TheirCodec(their_codec.gzip_encode, their_codec.gzip_decode),
        Codec.SNAPPY: TheirCodec(their_codec.snappy_encode, their_codec.snappy_decode),
        Codec.LZ4: TheirCodec(their_codec.lz4_encode, their_codec.lz4_decode),
        Codec.ZSTD: TheirCodec(their_codec.zstd_encode, their_codec.zstd_decode),
    }
)


class Seen(NamedTuple):
    """A record as kafka-python reads it."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def written(
    records: Sequence[Record],
    codec: Codec = Codec.NONE,
    *,
    deltas: Sequence[int] | None = None,
    producer_id: int = -1,
    transactional: bool = False,
) -> bytes:
    """A batch as kafka-python writes it; `deltas` with gaps make it one that compaction has been at.

    It is compressed also where that does not pay, which kafka-python itself would leave.
    """
    builder = DefaultRecordBatchBuilder(2, 0, transactional, producer_id, 0, 0, BIG)
    for delta, record in zip(deltas or range(len(records)), records, strict=True):
        builder.append(delta, record.timestamp_ms, record.key, record.value, list(record.headers))
    data = bytes(builder.build())
    if codec is Codec.NONE:
        return data
    plain = parse(data)
    return altered(plain, THEIRS[codec].compress(data[HEADER_BYTES:]), attributes=plain.header.attributes | codec).data


def seen(data: bytes) -> list[Seen]:
    """What kafka-python reads from a batch, whose checksum it must find right."""
    batch: Any = DefaultRecordBatch(data)
    assert batch.validate_crc()
    return [Seen(row.offset, row.timestamp, row.key, row.value, tuple(row.headers)) for row in batch]


def ours(batch: Batch) -> list[Seen]:
    """The same from our columns."""
    columns = batch.columns
    rows = zip(columns.offsets, columns.timestamps_ms, columns.keys, columns.values, columns.headers, strict=True)
    return [Seen(*row) for row in rows]


def expected(records: Sequence[Record], base_offset: int = 0) -> list[Seen]:
    """The records as they are to be read, with contiguous offsets."""
    return [
        Seen(base_offset + index, record.timestamp_ms, record.key, record.value, record.headers)
        for index, record in enumerate(records)
    ]


def altered(batch: Batch, body: bytes | None = None, **fields: int) -> Batch:
    """The batch with other header fields or another body, and the checksum set right again."""
    header, data = seal(batch.header._replace(**fields), batch.data[HEADER_BYTES:] if body is None else body)
    return Batch(data, header.base_offset, header)


TEXTS = st.binary(max_size=12) | st.none()
TIMES = st.integers(min_value=-1, max_value=1 << 45)
HEADERS: st.SearchStrategy[Headers] = st.lists(st.tuples(st.text(max_size=5), TEXTS), max_size=3).map(tuple)
RECORDS = st.lists(st.builds(Record, TEXTS, TEXTS, TIMES, HEADERS), min_size=1, max_size=20)
CODECS = st.sampled_from(Codec)
