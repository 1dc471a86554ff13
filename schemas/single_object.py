"""Avro's single-object encoding: marker C3 01, the schema's fingerprint (8 bytes, little-endian), the binary record."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

import fastavro

from schemas.decoding import decoder
from schemas.errors import InvalidRow, Undecodable
from schemas.parsing import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.decoding import Row
    from schemas.parsing import RecordSchema

MARKER: Final = b"\xc3\x01"
HEADER_BYTES: Final = 10


def header(schema: RecordSchema) -> bytes:
    """The 10 bytes ahead of every record of a schema."""
    return MARKER + fingerprint(schema)


def encode(schema: RecordSchema, value: Mapping[str, object]) -> bytes:
    """One row. Raises InvalidRow. For many rows of one contract, `schemas.encodings.RowEncoder` is faster."""
    return header(schema) + encode_bare(schema, value)


def encode_bare(schema: RecordSchema, value: Mapping[str, object]) -> bytes:
    """One row without framing: all fields that have no default, and no others. Raises InvalidRow."""
    stream = BytesIO()
    try:
        fastavro.schemaless_writer(stream, schema, value, strict_allow_default=True)
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise InvalidRow(f"not a row of {schema['name']} ({error}): give every field the type that it has") from error
    return stream.getvalue()


def decode(data: bytes, lookup: Callable[[bytes], RecordSchema | None], reader: RecordSchema | None = None) -> Row:
    """One row; `lookup` gives the writer's schema for a fingerprint (None: not known). Raises Undecodable."""
    fingerprint_ = fingerprint_in(data)
    writer = lookup(fingerprint_)
    if writer is None:
        raise unknown_fingerprint(fingerprint_)
    return decoder(writer, reader)(data, HEADER_BYTES)


def fingerprint_in(data: bytes) -> bytes:
    """The fingerprint that a value names. Raises Undecodable for what is not single-object encoding."""
    if not data.startswith(MARKER):
        raise Undecodable(
            "bad_framing",
            f"the value starts with {data[:2].hex(' ') or 'nothing'}, not with C3 01 as single-object Avro does: "
            "check the input's encoding in the settings",
        )
    if len(data) < HEADER_BYTES:
        raise Undecodable(
            "truncated", f"{len(data)} bytes are less than the {HEADER_BYTES} of a header: check the producer"
        )
    return data[len(MARKER) : HEADER_BYTES]


def unknown_fingerprint(fingerprint_: bytes) -> Undecodable:
    """The error for a fingerprint that no known schema has; hexadecimal as in the value, first byte first."""
    return Undecodable(
        "unknown_schema",
        f"no known schema has the fingerprint {fingerprint_.hex()}: put the writer's .avsc file into the endpoint's "
        "folder of writer schemas and restart",
    )
