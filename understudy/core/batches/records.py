"""Records of a batch, decoded to columns and encoded from them: the two hot loops.

One record on the wire: length, attributes (a byte), timestamp delta, offset delta, key, value, headers. Numbers are
zigzag varints; they are read in place where they have one or two bytes, as nearly all have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from understudy.core.batches.varints import SMALL, SMALL_END, encode_varint, read_raw, unzigzag
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]

MIN_RECORD_BYTES: Final = 7
MAX_RECORDS: Final = 1 << 20
"""More records than this in one batch are refused before anything is allocated for them."""

MAX_TIME_MS: Final = 1 << 62
MORE: Final = 0x80
"""A byte of a varint from this value on has another one behind it."""

NULL: Final = encode_varint(-1)
NO_HEADERS: Final = encode_varint(0)
NO_ATTRIBUTES: Final = b"\0"
HEADER_TEXT: Final = ("utf-8", "surrogateescape")
"""Header keys are text by the protocol, but brokers do not check: bytes that are not survive a round trip."""


class Record(NamedTuple):
    """One record to be written."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Columns:
    """Records as columns, all of one length.

    timestamps_ms are create times, also where the batch carries an append time. A null key or value is None.
    """

    offsets: Sequence[int]
    timestamps_ms: Sequence[int]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Sequence[Headers]

    def __len__(self) -> int:
        return len(self.keys)

    def between(self, first: int, end: int) -> Columns:
        """The records from index `first` up to, not including, `end`."""
        if first == 0 and end >= len(self.keys):
            return self
        part = slice(first, end)
        return Columns(
            self.offsets[part], self.timestamps_ms[part], self.keys[part], self.values[part], self.headers[part]
        )


def size_bytes(columns: Columns) -> int:
    """What the records take at least when they are not compressed."""
    texts = chain(columns.keys, columns.values)
    headers = sum(2 + len(name) + len(value or b"") for fields in columns.headers for name, value in fields)
    return MIN_RECORD_BYTES * len(columns) + sum(map(len, filter(None, texts))) + headers


def decode_records(data: bytes, at: int, records: int, base_timestamp_ms: int) -> Columns:
    """Columns of the `records` records from `at` to the end of `data`, with 0, 1, 2 ... as offsets.

    Raises CorruptBatch when the records do not end exactly where `data` ends.
    """
    if records > (len(data) - at) // MIN_RECORD_BYTES:
        raise CorruptBatch(f"{records} records cannot fit in {len(data) - at} bytes.")
    try:
        columns = _decode(data, at, records, base_timestamp_ms)
    except IndexError:
        raise CorruptBatch("The records go on behind the end of the batch.") from None
    if not times_fit(base_timestamp_ms, columns.timestamps_ms):
        raise CorruptBatch("A timestamp of the batch is a hundred million years off.")
    return columns


def _decode(  # noqa: C901, PLR0912, PLR0915 - the hot loop: a call for each number would double its time
    data: bytes, at: int, records: int, base_timestamp_ms: int
) -> Columns:
    timestamps_ms: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    headers: list[Headers] = [()] * records
    for index in range(records):
        raw = data[at]
        at += 1
        if raw >= MORE:
            high = data[at]
            if high < MORE:
                raw += (high - 1) << 7
                at += 1
            else:
                raw, at = read_raw(data, at - 1)
        end = at + (raw >> 1)

        at += 1  # attributes: none are defined
        raw = data[at]
        at += 1
        if raw >= MORE:
            high = data[at]
            if high < MORE:
                raw += (high - 1) << 7
                at += 1
            else:
                raw, at = read_raw(data, at - 1)
        timestamps_ms.append(base_timestamp_ms + ((raw >> 1) ^ -(raw & 1)))

        while data[at] >= MORE:  # offset delta
            at += 1
        at += 1

        raw = data[at]
        at += 1
        if raw >= MORE:
            raw, at = read_raw(data, at - 1)
        if raw & 1:
            check_null(raw, at)
            keys.append(None)
        else:
            start = at
            at += raw >> 1
            keys.append(data[start:at])

        raw = data[at]
        at += 1
        if raw >= MORE:
            high = data[at]
            if high < MORE:
                raw += (high - 1) << 7
                at += 1
            else:
                raw, at = read_raw(data, at - 1)
        if raw & 1:
            check_null(raw, at)
            values.append(None)
        else:
            start = at
            at += raw >> 1
            values.append(data[start:at])

        if data[at]:
            headers[index], at = _read_headers(data, at)
        else:
            at += 1
        if at != end:
            raise CorruptBatch(f"Record {index} of the batch does not have the length that it states.")
    if at != len(data):
        raise CorruptBatch(f"{len(data) - at} bytes are left behind the batch's last record.")
    return Columns(range(records), timestamps_ms, keys, values, headers)


def read_offset_deltas(data: bytes, at: int, records: int) -> list[int]:
    """Offset deltas as written, of records that `decode_records` has accepted. Raises CorruptBatch."""
    deltas = []
    for _ in range(records):
        length, at = read_raw(data, at)
        end = at + (length >> 1)
        _, at = read_raw(data, at + 1)
        delta, at = read_raw(data, at)
        deltas.append(unzigzag(delta))
        at = end
    return deltas


def times_fit(base_timestamp_ms: int, timestamps_ms: Sequence[int]) -> bool:
    """Whether the difference of any two of these times fits 64 bits."""
    earliest = min(timestamps_ms, default=base_timestamp_ms)
    latest = max(timestamps_ms, default=base_timestamp_ms)
    return min(earliest, base_timestamp_ms) >= -MAX_TIME_MS and max(latest, base_timestamp_ms) <= MAX_TIME_MS


def check_null(raw: int, at: int) -> None:
    """A length of -1 stands for null. Raises CorruptBatch for lengths below."""
    if raw != 1:
        raise CorruptBatch(f"A length before byte {at} of the records is negative.")


def _read_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    raw, at = read_raw(data, at)
    if raw & 1:
        check_null(raw, at)
        return None, at
    end = at + (raw >> 1)
    return data[at:end], end


def _read_headers(data: bytes, at: int) -> tuple[Headers, int]:
    raw, at = read_raw(data, at)
    if raw & 1:
        raise CorruptBatch(f"A number of headers before byte {at} of the records is negative.")
    headers = []
    for _ in range(raw >> 1):
        name, at = _read_bytes(data, at)
        if name is None:
            raise CorruptBatch(f"A header before byte {at} of the records has no name.")
        value, at = _read_bytes(data, at)
        headers.append((name.decode(*HEADER_TEXT), value))
    return tuple(headers), at


def encode_records(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    timestamp_deltas_ms: Iterable[int],
    headers: Sequence[Headers] | None,
) -> bytes:
    """The records, with offset deltas 0, 1, 2 ... headers: None where no record has any."""
    out: list[bytes] = []
    offsets = chain(SMALL, map(encode_varint, count(len(SMALL))))
    tails = repeat(NO_HEADERS) if headers is None else map(_encode_headers, headers)
    for key, value, delta, offset, tail in zip(keys, values, timestamp_deltas_ms, offsets, tails, strict=False):
        time = SMALL[delta] if 0 <= delta < SMALL_END else encode_varint(delta)
        key_bytes = b"" if key is None else key
        length = len(key_bytes)
        key_size = NULL if key is None else SMALL[length] if length < SMALL_END else encode_varint(length)
        value_bytes = b"" if value is None else value
        length = len(value_bytes)
        value_size = NULL if value is None else SMALL[length] if length < SMALL_END else encode_varint(length)
        length += 1 + len(time) + len(offset) + len(key_size) + len(key_bytes) + len(value_size) + len(tail)
        size = SMALL[length] if length < SMALL_END else encode_varint(length)
        out += (size, NO_ATTRIBUTES, time, offset, key_size, key_bytes, value_size, value_bytes, tail)
    return b"".join(out)


def _sized(data: bytes | None) -> bytes:
    return NULL if data is None else encode_varint(len(data)) + data


def _encode_headers(headers: Headers) -> bytes:
    names = [(name.encode(*HEADER_TEXT), value) for name, value in headers]
    return encode_varint(len(names)) + b"".join(_sized(name) + _sized(value) for name, value in names)
