"""Our rows as JSON, for people and for tools that read it; without loss.

A row is an object of its fields: enums are strings, timestamps are integers (milliseconds), bytes are base64 strings
(RFC 4648, padded), unions are their value with nothing around it. A number with a point or an exponent is a double,
one without is a long. NaN and the infinities are refused, as JSON has none. Text is UTF-8.
"""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import fastavro

from schemas.encodings.framing import nothing_in
from schemas.errors import InvalidRow, Undecodable
from schemas.single_object import encode_bare

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.decoding import Row
    from schemas.parsing import RecordSchema


def json_encoder(schema: RecordSchema) -> Callable[[Mapping[str, object]], bytes]:
    """A function of a row to UTF-8 JSON, with the defaults of missing fields. It raises InvalidRow."""

    def encode(row: Mapping[str, object]) -> bytes:
        try:
            text = json.dumps(
                _as_avro_has_it(schema, row),
                allow_nan=False,
                ensure_ascii=False,
                separators=(",", ":"),
                default=_base64_of,
            )
        except ValueError as error:
            raise InvalidRow(
                f"not a row of {schema['name']} in JSON ({error}): leave out what is not finite"
            ) from error
        return text.encode()

    return encode


def json_decoder(schema: RecordSchema) -> Callable[[bytes | None], Row]:
    """A function of UTF-8 JSON to the row; fields that the schema does not have are dropped. It raises Undecodable."""
    names = frozenset(each["name"] for each in schema["fields"])
    binary = frozenset(each["name"] for each in schema["fields"] if "bytes" in each["type"])

    def decode(value: bytes | None) -> Row:
        if not value:
            raise nothing_in(value)
        raw = {name: given for name, given in _object_in(value, str(schema["name"])).items() if name in names}
        try:
            for name in binary & raw.keys():
                raw[name] = None if raw[name] is None else base64.b64decode(raw[name], validate=True)
            return _as_avro_has_it(schema, raw)
        except (ValueError, TypeError) as error:
            raise Undecodable("invalid_row", f"{error}: check what wrote the topic") from error

    return decode


def _object_in(value: bytes, name: str) -> dict[str, Any]:
    try:
        given = json.loads(value, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise Undecodable(
            "bad_utf8", f"{name}: text is not UTF-8 ({error.reason}): check what wrote the topic"
        ) from error
    except (ValueError, RecursionError) as error:
        raise Undecodable("corrupt", f"{name}: the value is not JSON ({error}): check what wrote the topic") from error
    if not isinstance(given, dict):
        raise Undecodable("invalid_row", f"{name}: the value is not a JSON object: check what wrote the topic")
    return given


def _as_avro_has_it(schema: RecordSchema, row: Mapping[str, object]) -> Row:
    """The row after a trip through binary Avro: checked, with defaults, numbers of the schema's kind."""
    return cast("Row", fastavro.schemaless_reader(BytesIO(encode_bare(schema, row)), schema))


def _base64_of(given: object) -> str:
    if not isinstance(given, bytes):
        raise InvalidRow(f"{type(given).__name__} has no form in JSON: use what the schema names")
    return base64.b64encode(given).decode("ascii")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")
