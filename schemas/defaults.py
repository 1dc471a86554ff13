"""Turns the defaults in a schema, which are JSON, into the values that decoding gives.

fastavro puts a reader's default into the row as it stands in the schema: text where the field is bytes, an integer
where it is a double, an empty record without the defaults of its own fields.
"""

from __future__ import annotations

from typing import Any, Final


def decode_defaults(schema: dict[str, Any]) -> None:
    """Replaces, in place, every field's default in a record schema that fastavro has parsed and the lint passed."""
    _visit(schema, {})


def _visit(schema: Any, named: dict[str, Any]) -> None:
    if isinstance(schema, list):
        for branch in schema:
            _visit(branch, named)
    elif isinstance(schema, dict):
        if "name" in schema:
            named[schema["name"]] = schema
        for inner in ("items", "values"):
            _visit(schema.get(inner), named)
        for field in schema.get("fields", ()):
            _visit(field["type"], named)
            if "default" in field:
                field["default"] = _decoded(field["type"], field["default"], named)


def _decoded(schema: Any, default: Any, named: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        # A union's default belongs to its first branch, since Avro 1.12 to any: the first that fits serves both.
        branch = next((each for each in schema if _fits(each, default, named)), schema[0])
        return _decoded(branch, default, named)
    if isinstance(schema, str):
        return _decoded(named[schema], default, named) if schema in named else _primitive(schema, default)
    match schema["type"]:
        case "array":
            return [_decoded(schema["items"], item, named) for item in default]
        case "map":
            return {key: _decoded(schema["values"], value, named) for key, value in default.items()}
        case "record":
            return {
                each["name"]: _decoded(each["type"], default[each["name"]], named)
                if each["name"] in default
                else each["default"]
                for each in schema["fields"]
            }
        case kind:
            return _primitive(kind, default)


def _primitive(kind: str, default: Any) -> Any:
    match kind:
        case "bytes" | "fixed":
            return default.encode("latin-1")
        case "float" | "double":
            return float(default)
        case _:
            return default


def _fits(schema: Any, default: Any, named: dict[str, Any]) -> bool:
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind in named:
        return _fits(named[kind], default, named)
    return kind in _KINDS.get(type(default), ())


_KINDS: Final[dict[type, tuple[str, ...]]] = {
    type(None): ("null",),
    bool: ("boolean",),
    int: ("int", "long", "float", "double"),
    float: ("float", "double"),
    str: ("string", "bytes", "fixed", "enum", "float", "double"),
    list: ("array",),
    dict: ("record", "map"),
}
