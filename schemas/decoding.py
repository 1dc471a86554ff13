"""Binary Avro to rows, with everything that rubbish can cause turned into one error."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import fastavro
from fastavro.read import SchemaResolutionError

from schemas.errors import Undecodable
from schemas.parsing import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.parsing import RecordSchema

Row: TypeAlias = dict[str, Any]
"""A decoded record: field name to value. Defaults of missing fields are shared between rows: never change them."""

_RUBBISH: Final = (EOFError, LookupError, ValueError, ArithmeticError, TypeError, SchemaResolutionError)
"""What fastavro raises on data that do not fit the schema (found by fuzzing, see the tests)."""


def decoder(writer: RecordSchema, reader: RecordSchema | None = None) -> Callable[[bytes, int], Row]:
    """A function of (value, number of framing bytes to skip) to the row, as the reader's schema has it.

    The whole value must be used up. The function raises Undecodable.
    """
    if reader is not None and fingerprint(reader) == fingerprint(writer):
        writer, reader = reader, None  # resolution more than doubles the time, and would change nothing

    def decode(value: bytes, start: int) -> Row:
        stream = BytesIO(value)
        stream.seek(start)
        try:
            row = fastavro.schemaless_reader(stream, writer, reader)
        except _RUBBISH as error:
            raise _undecodable(error, stream, len(value), str(writer["name"])) from error
        if stream.tell() != len(value):
            raise Undecodable(
                "trailing_bytes",
                f"{len(value) - stream.tell()} bytes are left over after a whole {writer['name']}: "
                "check that the producer writes one record a value, with the schema that it names",
            )
        return cast("Row", row)

    return decode


def _undecodable(error: Exception, stream: BytesIO, size_bytes: int, name: str) -> Undecodable:
    where = f"{name}, at byte {stream.tell()} of {size_bytes}"
    if isinstance(error, SchemaResolutionError):
        return Undecodable(
            "incompatible_schema",
            f"{where}: the value does not resolve to the reader's schema ({error}): "
            "give the reader's field a default, or a type that takes what the producer writes",
        )
    if isinstance(error, UnicodeDecodeError):
        return Undecodable("bad_utf8", f"{where}: text is not UTF-8 ({error.reason}): have the producer encode it so")
    if stream.tell() == size_bytes:
        return Undecodable(
            "truncated",
            f"{where}: the value ends before the record does: check that the producer writes with the schema it names",
        )
    return Undecodable(
        "corrupt",
        f"{where}: the bytes do not fit the schema ({type(error).__name__}: {error}): "
        "check that the producer writes with the schema it names",
    )
