"""Encodes predictions, the one row that is written for every record.

Written by hand, because it is the hot path: in less than a third of fastavro's time
(`benchmarks/bench_encoding.py`). Binary Avro is the concatenation of its fields, so the leading fields, which a
micro-batch has in common, become a prefix. Tests hold every byte against fastavro, and the layout below against the
contract.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self, TypeAlias

from schemas.contracts import contract
from schemas.encodings.json_rows import json_encoder
from schemas.encodings.rows import RowEncoding, avro_header
from schemas.errors import InvalidRow
from schemas.single_object import encode_bare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from schemas.registry import SchemaRegistry

Scalar: TypeAlias = bool | int | float | str | None

_NO_SLICES: Final[Mapping[str, str]] = MappingProxyType({})
_ABSENT: Final = b"\0"
_PRESENT: Final = b"\2"
_END: Final = b"\0"
_ONE_BYTE: Final = 0x80
_TWO_BYTES: Final = 0x4000


class SharedPrediction(Protocol):
    """Encodes rows that have their leading fields in common. Raises InvalidRow."""

    def __call__(  # noqa: PLR0913 - the fields of a row, in the contract's order
        self,
        *,
        source_offset: int,
        event_time: int,
        span: int = 1,
        event_id: str | None = None,
        slices: Mapping[str, str] = _NO_SLICES,
        label: Scalar = None,
        probabilities: Sequence[float] | None = None,
        number: float | None = None,
        values: Sequence[Scalar] | None = None,
        error_kind: str | None = None,
        error: str | None = None,
    ) -> bytes: ...


@dataclass(frozen=True, slots=True)
class PredictionEncoder:
    """Encodes predictions in two steps: what a micro-batch's rows have in common, then each row's own fields.

    `header` is the framing ahead of binary Avro; None: rows are JSON.
    """

    header: bytes | None

    @classmethod
    def of(cls, encoding: RowEncoding, *, registry: SchemaRegistry | None = None, topic: str = "") -> Self:
        """As `RowEncoder.of` for predictions, and raises the same."""
        return cls(None if encoding == "json" else avro_header(encoding, "prediction", registry, topic))

    def shared(
        self,
        *,
        outcome: Literal["answered", "failed", "withdrawn"],
        lane: Literal["answering", "shadow"],
        routed_version: str,
        answered_version: str,
        revision: int,
        share_ppm: int,
        source_partition: int,
        model_time_ns: int,
    ) -> SharedPrediction:
        """An encoder of rows with these leading fields, explained in prediction.avsc. Raises InvalidRow."""
        leading: dict[str, object] = {
            "outcome": outcome,
            "lane": lane,
            "routed_version": routed_version,
            "answered_version": answered_version,
            "revision": revision,
            "share_ppm": share_ppm,
            "source_partition": source_partition,
            "model_time_ns": model_time_ns,
        }
        if self.header is None:
            return _shared_json(leading)
        schema = contract("prediction")
        first = {**schema, "fields": schema["fields"][: len(leading)]}
        return _shared_avro(self.header + encode_bare(first, leading))


def _shared_json(leading: Mapping[str, object]) -> SharedPrediction:
    encode = json_encoder(contract("prediction"))

    def encode_own(**own: Any) -> bytes:
        return encode({**leading, **own})

    return encode_own


def _shared_avro(prefix: bytes) -> SharedPrediction:
    def encode(  # noqa: PLR0913 - the fields of a row, in the contract's order
        *,
        source_offset: int,
        event_time: int,
        span: int = 1,
        event_id: str | None = None,
        slices: Mapping[str, str] = _NO_SLICES,
        label: Scalar = None,
        probabilities: Sequence[float] | None = None,
        number: float | None = None,
        values: Sequence[Scalar] | None = None,
        error_kind: str | None = None,
        error: str | None = None,
    ) -> bytes:
        try:
            return b"".join(
                (
                    prefix,
                    _long(source_offset),
                    _long(span),
                    _long(event_time),
                    _ABSENT if event_id is None else _PRESENT + _string(event_id),
                    _strings(slices) if slices else _END,
                    _scalar(label),
                    _ABSENT if probabilities is None else _PRESENT + _doubles(probabilities),
                    _ABSENT if number is None else _PRESENT + _double(number),
                    _ABSENT if values is None else _PRESENT + _scalars(values),
                    _ABSENT if error_kind is None else _PRESENT + _string(error_kind),
                    _ABSENT if error is None else _PRESENT + _string(error),
                )
            )
        except (TypeError, ValueError, AttributeError, struct.error) as reason:
            raise InvalidRow(f"not a prediction ({reason}): give every field the type that it has") from reason

    return encode


_double: Final[Callable[[float], bytes]] = struct.Struct("<d").pack


def _varint(rest: int) -> bytes:
    """7 bits a byte, least significant first; the high bit says that more follow."""
    out = bytearray()
    while rest >= _ONE_BYTE:
        out.append(rest & 0x7F | _ONE_BYTE)
        rest >>= 7
    out.append(rest)
    return bytes(out)


_SMALL: Final = tuple(_varint(number << 1) for number in range(1024))
_upper_bytes: Final = lru_cache(maxsize=1024)(_varint)
"""Offsets and times of a micro-batch differ in their lowest 14 bits, and have the others in common."""


def _long(number: int) -> bytes:
    """Zigzag, then as `_varint` has it."""
    if 0 <= number < len(_SMALL):
        return _SMALL[number]
    rest = (number << 1) ^ (number >> 63)
    if rest < _TWO_BYTES:
        return _varint(rest)
    if rest >> 64:
        raise ValueError(f"{number} does not fit 64 bits")
    return bytes((rest & 0x7F | _ONE_BYTE, rest >> 7 & 0x7F | _ONE_BYTE)) + _upper_bytes(rest >> 14)


def _string(text: str) -> bytes:
    data = text.encode()
    return _long(len(data)) + data


def _strings(entries: Mapping[str, str]) -> bytes:
    pairs = [_string(key) + _string(value) for key, value in entries.items()]
    return _long(len(pairs)) + b"".join(pairs) + _END


def _doubles(numbers: Sequence[float]) -> bytes:
    return _array_of_doubles(len(numbers))(*numbers) if len(numbers) else _END


@lru_cache(maxsize=64)
def _array_of_doubles(count: int) -> Callable[..., bytes]:
    """Packs that many: their number, themselves, and the end of the array."""
    size = _long(count)
    layout = struct.Struct(f"<{len(size)}s{count}dx")  # the last byte is the end, a zero
    return partial(layout.pack, size)


def _scalars(items: Sequence[Scalar]) -> bytes:
    return _long(len(items)) + b"".join([_scalar(item) for item in items]) + _END if len(items) else _END


def _scalar(item: Scalar) -> bytes:
    """A value of the union null, boolean, long, double, string; a bool is an int in Python, so it comes first."""
    if item is None:
        return _ABSENT
    if isinstance(item, bool):
        return b"\2\1" if item else b"\2\0"
    if isinstance(item, int):
        return b"\4" + _long(item)
    return b"\6" + _double(item) if isinstance(item, float) else b"\x08" + _string(item)
