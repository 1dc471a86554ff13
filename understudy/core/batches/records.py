"""Records of a batch, decoded to columns and encoded from them: the two hot loops.

One record on the wire: length, attributes (a byte), timestamp delta, offset delta, key, value, headers. Numbers are
zigzag varints; they are read in place where they have one or two bytes, as nearly all have.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from understudy.core.batches.varints import SMALL, encode_varint, read_raw, unzigzag
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Headers: TypeAlias = tuple[tuple[str, bytes | None], ...]

MIN_RECORD_BYTES: Final = 7
MAX_RECORDS: Final = 1 << 20
"""More records than this in one batch are refused before anything is allocated for them."""

NULL: Final = encode_varint(-1)
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

    def since(self, first: int) -> Columns:
        """Without the first `first` records."""
        return self.between(first, len(self.keys))

    def between(self, first: int, end: int) -> Columns:
        """The records from index `first` up to, not including, `end`."""
        if first == 0 and end >= len(self.keys):
            return self
        part = slice(first, end)
        return Columns(
            self.offsets[part], self.timestamps_ms[part], self.keys[part], self.values[part], self.headers[part]
        )


def decode_records(data: bytes, at: int, records: int, base_timestamp_ms: int) -> tuple[list[int], Columns]:
    """The offset deltas as written, and columns with those deltas as offsets, of the `records` records at `at`.

    The records must end exactly where `data` ends. Raises CorruptBatch.
    """
    if records > (len(data) - at) // MIN_RECORD_BYTES:
        raise CorruptBatch(f"{records} records cannot fit in {len(data) - at} bytes.")
    try:
        return _decode(data, at, records, base_timestamp_ms)
    except IndexError:
        raise CorruptBatch("The records go on behind the end of the batch.") from None


def _decode(data: bytes, at: int, records: int, base_timestamp_ms: int) -> tuple[list[int], Columns]:
    deltas: list[int] = []
    timestamps_ms: list[int] = []
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    headers: list[Headers] = [()] * records
    for index in range(records):
        raw, at = read_raw(data, at)
        end = at + (raw >> 1)
        raw, at = read_raw(data, at + 1)
        timestamps_ms.append(base_timestamp_ms + unzigzag(raw))
        raw, at = read_raw(data, at)
        deltas.append(unzigzag(raw))
        key, at = _read_bytes(data, at)
        keys.append(key)
        value, at = _read_bytes(data, at)
        values.append(value)
        if data[at]:
            headers[index], at = _read_headers(data, at)
        else:
            at += 1
        if at != end:
            raise CorruptBatch(f"Record {index} of the batch does not have the length that it states.")
    if at != len(data):
        raise CorruptBatch(f"{len(data) - at} bytes are left behind the batch's last record.")
    return deltas, Columns(deltas, timestamps_ms, keys, values, headers)


def _read_bytes(data: bytes, at: int) -> tuple[bytes | None, int]:
    raw, at = read_raw(data, at)
    if not raw & 1:
        return data[at : at + (raw >> 1)], at + (raw >> 1)
    if raw == 1:
        return None, at
    raise CorruptBatch(f"A length at byte {at - 1} of the records is negative.")


def _read_headers(data: bytes, at: int) -> tuple[Headers, int]:
    raw, at = read_raw(data, at)
    if raw & 1:
        raise CorruptBatch(f"A number of headers at byte {at - 1} of the records is negative.")
    headers = []
    for _ in range(raw >> 1):
        name, at = _read_bytes(data, at)
        if name is None:
            raise CorruptBatch(f"A header at byte {at - 1} of the records has no name.")
        value, at = _read_bytes(data, at)
        headers.append((name.decode(*HEADER_TEXT), value))
    return tuple(headers), at


def encode_records(
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    timestamp_deltas_ms: Iterable[int],
    headers: Sequence[Headers] | None,
) -> bytes:
    """The records with offset deltas 0, 1, 2 ..."""
    out: list[bytes] = []
    offsets = chain(SMALL, map(encode_varint, count(len(SMALL))))
    tails = map(_encode_headers, headers) if headers is not None else iter(lambda: b"\0", b"")
    for key, value, delta, offset, tail in zip(keys, values, timestamp_deltas_ms, offsets, tails, strict=False):
        record = b"".join((b"\0", encode_varint(delta), offset, _sized(key), _sized(value), tail))
        out += (encode_varint(len(record)), record)
    return b"".join(out)


def _sized(data: bytes | None) -> bytes:
    return NULL if data is None else encode_varint(len(data)) + data


def _encode_headers(headers: Headers) -> bytes:
    names = [(name.encode(*HEADER_TEXT), value) for name, value in headers]
    return encode_varint(len(names)) + b"".join(_sized(name) + _sized(value) for name, value in names)
