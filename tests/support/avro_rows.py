"""Rows of a schema as a Hypothesis strategy, and what becomes of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from schemas.errors import Undecodable

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import SearchStrategy

_PRIMITIVES: dict[str, Callable[[], SearchStrategy[Any]]] = {
    "null": st.none,
    "boolean": st.booleans,
    "int": lambda: st.integers(-(2**31), 2**31 - 1),
    "long": lambda: st.integers(-(2**63), 2**63 - 1),
    "float": lambda: st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": lambda: st.floats(allow_nan=False, allow_infinity=False),
    "bytes": lambda: st.binary(max_size=20),
    "string": lambda: st.text(max_size=20),
}


def rows_of(schema: dict[str, Any]) -> SearchStrategy[dict[str, Any]]:
    """Rows of a parsed record schema, with finite numbers."""
    return _values_of(schema, {})


def failure_of(decode: Callable[[bytes], object], value: bytes) -> Undecodable | None:
    """The error that a value is; None: it decodes. Any other exception passes through."""
    try:
        decode(value)
    except Undecodable as error:
        return error
    return None


def _values_of(schema: Any, named: dict[str, SearchStrategy[Any]]) -> SearchStrategy[Any]:
    if isinstance(schema, list):
        return st.one_of([_values_of(branch, named) for branch in schema])
    kind = schema if isinstance(schema, str) else schema["type"]
    match kind:
        case "record":
            fields = {each["name"]: _values_of(each["type"], named) for each in schema["fields"]}
            return named.setdefault(schema["name"], st.fixed_dictionaries(fields))
        case "enum" | "fixed":
            return named.setdefault(schema["name"], _symbols_or_bytes(schema))
        case "array":
            return st.lists(_values_of(schema["items"], named), max_size=5)
        case "map":
            return st.dictionaries(st.text(max_size=5), _values_of(schema["values"], named), max_size=5)
        case _:
            return named[kind] if kind in named else _PRIMITIVES[kind]()


def _symbols_or_bytes(schema: dict[str, Any]) -> SearchStrategy[Any]:
    if schema["type"] == "enum":
        return st.sampled_from(schema["symbols"])
    return st.binary(min_size=schema["size"], max_size=schema["size"])
