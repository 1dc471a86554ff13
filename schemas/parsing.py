"""From the text of a schema to one that data can be read with: parsed, linted, with usable defaults."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import fastavro
import fastavro.schema

from schemas.defaults import decode_defaults
from schemas.errors import InvalidSchema
from schemas.lint import lint

if TYPE_CHECKING:
    from pathlib import Path

RecordSchema: TypeAlias = dict[str, Any]
"""A record schema that `parse` returned. It is shared: never change it."""

MAX_NESTING: Final = 200
"""Levels of JSON in a schema's text; beyond, the parser itself may overflow the stack."""

_UNITS_PER_MS: Final = {None: 1, "timestamp-millis": 1, "timestamp-micros": 1_000, "timestamp-nanos": 1_000_000}
_NOT_AVRO: Final = (fastavro.schema.SchemaParseException, ValueError, LookupError, TypeError, AttributeError)
_LOGICAL_TYPE: Final = "logical type"


def parse(text: str | bytes, source: str) -> RecordSchema:
    """The record schema in a text; `source` says in messages where the text is from.

    Logical types are set aside, so that rows hold Avro's plain values: a timestamp is a long, a decimal is bytes.
    That is faster, a fingerprint does not contain them, and the conversions are open to attack (900 kB of decimal
    take a minute). Raises InvalidSchema.
    """
    try:
        raw = json.loads(text)
        _check_nesting(raw)
        schema = fastavro.parse_schema(_without_logical_types(raw))
        if not isinstance(schema, dict) or schema["type"] != "record":
            raise InvalidSchema(f"{source}: the schema is not a record: wrap it in one")
        if problems := lint(schema):
            raise InvalidSchema("\n".join(f"{source}: {problem}" for problem in problems))
        decode_defaults(schema)
    except _NOT_AVRO as error:
        raise InvalidSchema(f"{source}: not an Avro schema ({type(error).__name__}: {error}): correct it") from error
    except RecursionError as error:
        raise InvalidSchema(f"{source}: the schema's text is nested too deeply: flatten it") from error
    return schema


def load(path: Path) -> RecordSchema:
    """The record schema in an .avsc file. Raises InvalidSchema, naming the path."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InvalidSchema(f"{path}: cannot be read ({error.strerror}): name an .avsc file there is") from error
    return parse(text, str(path))


def fingerprint(schema: Any) -> bytes:
    """The 8 bytes that stand for a schema in single-object encoding.

    CRC-64-AVRO (Rabin) of the parsing canonical form, least significant byte first, as Avro's specification has it.
    Equal fingerprints mean equal bytes for equal rows: names, order and types of the fields are the same.
    """
    return _crc_64_avro(fastavro.schema.to_parsing_canonical_form(schema))


def timestamp_units_per_ms(schema: RecordSchema, field: str) -> int:
    """How many units of a time field make a millisecond: 1 (also for a plain long), 1,000 or 1,000,000.

    Raises InvalidSchema when there is no such field, or it cannot be a time since the epoch.
    """
    types = {each["name"]: each["type"] for each in schema["fields"]}
    if field not in types:
        raise InvalidSchema(f"{schema['name']} has no field {field}: name one of {', '.join(types)}")
    branches = types[field] if isinstance(types[field], list) else [types[field]]
    for kind in branches:
        logical = kind.get(_LOGICAL_TYPE) if isinstance(kind, dict) else None
        if "long" in (kind, kind["type"] if isinstance(kind, dict) else None) and logical in _UNITS_PER_MS:
            return _UNITS_PER_MS[logical]
    raise InvalidSchema(
        f"{field} of {schema['name']} is no time since the epoch: name a field that is a timestamp, "
        "or a long of milliseconds"
    )


@lru_cache(maxsize=1_024)
def _crc_64_avro(canonical_form: str) -> bytes:
    return bytes.fromhex(fastavro.schema.fingerprint(canonical_form, "CRC-64-AVRO"))


def _check_nesting(raw: Any) -> None:
    level, depth = [raw], 0
    while level:
        depth += 1
        if depth > MAX_NESTING:
            raise RecursionError
        level = [part for each in level if isinstance(each, (dict, list)) for part in _parts(each)]


def _parts(container: dict[str, Any] | list[Any]) -> list[Any]:
    return list(container.values()) if isinstance(container, dict) else container


_WITH_TYPES_INSIDE: Final = ("type", "fields", "items", "values")


def _without_logical_types(raw: Any) -> Any:
    """The same schema with logical types kept under a key that fastavro does not know."""
    if isinstance(raw, list):
        return [_without_logical_types(part) for part in raw]
    if not isinstance(raw, dict):
        return raw
    return {
        _LOGICAL_TYPE if key == "logicalType" else key: _without_logical_types(value)
        if key in _WITH_TYPES_INSIDE
        else value
        for key, value in raw.items()
    }
