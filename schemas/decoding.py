"""Binary Avro to rows, with everything that rubbish can cause turned into one error."""

from __future__ import annotations

import struct
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import fastavro
from fastavro.read import SchemaResolutionError

from schemas.errors import Undecodable
from schemas.parsing import fingerprint
from schemas.plain_records import WORTH_A_RUN, fixed_width_code, plain_reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.parsing import RecordSchema

Row: TypeAlias = dict[str, Any]
"""A decoded record: field name to value. Defaults of missing fields are shared between rows: never change them."""

_Read: TypeAlias = "Callable[[BytesIO], Row]"

_RUBBISH: Final = (EOFError, LookupError, ValueError, ArithmeticError, TypeError, struct.error, SchemaResolutionError)
"""What fastavro and struct raise on data that do not fit the schema (found by fuzzing, see the tests)."""

_BEYOND: Final = b"\0"
"""Stands behind every value: what touches it ended too early. fastavro does not notice that in fields that it skips."""


def decoder(writer: RecordSchema, reader: RecordSchema | None = None) -> Callable[[bytes, int], Row]:
    """A function of (value, number of framing bytes to skip) to the row, as the reader's schema has it.

    The whole value must be used up. The function raises Undecodable.
    """
    if reader is None or fingerprint(reader) == fingerprint(writer):
        plain = plain_reader(writer)
        read = _record_reader(writer)  # resolution would change nothing, and more than doubles the time
    else:
        plain = None
        read = partial(_read_with_fastavro, writer, reader)

    def decode(value: bytes, start: int) -> Row:
        if plain is not None and (plain_row := plain(value, start)) is not None:
            return plain_row
        stream = BytesIO(value + _BEYOND)
        stream.seek(start)
        try:
            row = read(stream)
        except _RUBBISH as error:
            raise _undecodable(error, stream.tell(), len(value), writer["name"]) from error
        if stream.tell() != len(value):
            raise _wrong_length(stream.tell(), len(value), writer["name"])
        return row

    return decode


def _record_reader(writer: RecordSchema) -> _Read:
    """Reads the longest run of fixed-width fields at once, where that is worth it, and the rest through fastavro."""
    fields = writer["fields"]
    start, stop = _longest_run([fixed_width_code(each) is not None for each in fields])
    if stop - start < WORTH_A_RUN:
        return partial(_read_with_fastavro, writer, None)
    around = [fields[:start], fields[stop:]]
    before, after = (
        partial(_read_with_fastavro, {**writer, "fields": part}, None) if part else None for part in around
    )
    parts = [read for read in (before, _fixed_width_reader(fields[start:stop]), after) if read is not None]
    return parts[0] if len(parts) == 1 else partial(_read_parts, parts)


def _longest_run(chosen: list[bool]) -> tuple[int, int]:
    best, start = (0, 0), 0
    for index, each in enumerate([*chosen, False]):
        if not each:
            best, start = max(best, (start, index), key=lambda run: run[1] - run[0]), index + 1
    return best


def _read_with_fastavro(writer: RecordSchema, reader: RecordSchema | None, stream: BytesIO) -> Row:
    return cast("Row", fastavro.schemaless_reader(stream, writer, reader))


def _read_parts(parts: list[_Read], stream: BytesIO) -> Row:
    row: Row = {}
    for read in parts:
        row.update(read(stream))
    return row


def _fixed_width_reader(fields: list[dict[str, Any]]) -> _Read:
    names = [each["name"] for each in fields]
    layout = struct.Struct("<" + "".join(fixed_width_code(each) or "" for each in fields))

    def read(stream: BytesIO) -> Row:
        return dict(zip(names, layout.unpack(stream.read(layout.size)), strict=True))

    return read


def _wrong_length(end: int, size_bytes: int, name: str) -> Undecodable:
    advice = "check that the producer writes one record a value, with the schema that it names"
    if end > size_bytes:
        return Undecodable(
            "truncated", f"{name}: the value ends at byte {size_bytes}, before the record does: {advice}"
        )
    left = size_bytes - end
    return Undecodable("trailing_bytes", f"{name}: {left} bytes are left over after a whole record: {advice}")


def _undecodable(error: Exception, end: int, size_bytes: int, name: str) -> Undecodable:
    if end > size_bytes:
        return _wrong_length(end, size_bytes, name)
    where = f"{name}, at byte {end} of {size_bytes}"
    if isinstance(error, SchemaResolutionError):
        return Undecodable(
            "incompatible_schema",
            f"{where}: the value does not resolve to the reader's schema ({error}): "
            "give the reader's field a default, or a type that takes what the producer writes",
        )
    if isinstance(error, UnicodeDecodeError):
        return Undecodable("bad_utf8", f"{where}: text is not UTF-8 ({error.reason}): have the producer encode it so")
    return Undecodable(
        "corrupt",
        f"{where}: the bytes do not fit the schema ({type(error).__name__}: {error}): "
        "check that the producer writes with the schema that it names",
    )
