"""Refuses schemas with which a few bytes of data can take a process down.

Avro's binary decoder follows the schema, so the schema decides what data can do to us. Against a recursive schema
5 KB of nested data overflow the C stack, which kills the process. Items that take no bytes let 10 bytes claim
50 million of them. Types that double their parts at every level make a small schema a huge row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import fastavro

MAX_DEPTH: Final = 32
"""Levels of types inside types."""

MAX_TYPES: Final = 10_000
"""Types after every name is replaced by its definition: bounds the values of one row outside arrays and maps."""


def lint(schema: Any) -> list[str]:
    """What speaks against reading data with an Avro schema: one line each, none if it is fine.

    Each line names the place (`Event.history[]`: items of the field `history`; `{}`: values of a map) and the remedy.
    """
    schema = fastavro.parse_schema(schema)
    walk = _Walk()
    whole = walk.shape(schema, schema.get("name", "schema") if isinstance(schema, dict) else "schema")
    if whole.depth > MAX_DEPTH:
        walk.problems.append(
            f"types are nested {whole.depth} deep, more than {MAX_DEPTH}: flatten the schema, "
            "or carry the inner part as a JSON string"
        )
    if whole.types > MAX_TYPES:
        walk.problems.append(
            f"the schema spells out {whole.types} types, more than {MAX_TYPES}: leave out what the model does not need"
        )
    return walk.problems


@dataclass(frozen=True, slots=True)
class _Shape:
    zero_width: bool = False
    depth: int = 1
    types: int = 1


@dataclass(slots=True)
class _Walk:
    """One walk over a schema, every named type visited once."""

    problems: list[str] = field(default_factory=list)
    finished: dict[str, _Shape] = field(default_factory=dict)

    def shape(self, schema: Any, where: str) -> _Shape:
        if isinstance(schema, list):
            return _around([self.shape(branch, where) for branch in schema])
        kind = schema if isinstance(schema, str) else schema["type"]
        match kind:
            case "record" | "error":
                return self._record(schema, where)
            case "array" | "map":
                return self._many(schema, where)
            case "enum" | "fixed":
                return self._name(schema["name"], _Shape(zero_width=kind == "fixed" and schema["size"] == 0))
            case _:
                return self.finished.get(kind) or self._primitive_or_itself(kind, where)

    def _record(self, schema: dict[str, Any], where: str) -> _Shape:
        parts = [self.shape(each["type"], f"{where}.{each['name']}") for each in schema["fields"]]
        return self._name(schema["name"], _around(parts, zero_width=all(part.zero_width for part in parts)))

    def _many(self, schema: dict[str, Any], where: str) -> _Shape:
        inner, mark = (schema["items"], "[]") if schema["type"] == "array" else (schema["values"], "{}")
        part = self.shape(inner, where + mark)
        if part.zero_width:
            self.problems.append(
                f"{where}{mark}: items take no bytes, so that a few bytes can claim millions of them: "
                "give the items a type that holds something, or keep their number in a long"
            )
        return _around([part])

    def _name(self, name: str, shape: _Shape) -> _Shape:
        self.finished[name] = shape
        return shape

    def _primitive_or_itself(self, kind: str, where: str) -> _Shape:
        if kind not in _PRIMITIVES:
            self.problems.append(
                f"{where}: {kind} contains itself, so that nested data overflow the stack: write out as many levels "
                "as are needed, or carry the nested part as a JSON string"
            )
        return _Shape(zero_width=kind == "null")


_PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


def _around(parts: list[_Shape], *, zero_width: bool = False) -> _Shape:
    return _Shape(
        zero_width=zero_width,
        depth=1 + max((part.depth for part in parts), default=0),
        types=1 + sum(part.types for part in parts),
    )
