"""Avro's schema resolution, decided from the schemas alone: whether a reader reads all that a writer may write.

Source: Avro specification 1.12, "Schema Resolution"; stricter than it in one way: a writer's union is readable only
when every one of its branches is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from schemas.parsing import RecordSchema

_PROMOTIONS: Final = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def incompatibilities(reader: RecordSchema, writer: RecordSchema) -> list[str]:
    """Why the reader cannot read all that the writer writes: one line each, none when it can."""
    names = _Names()
    names.learn(reader, names.reader)
    names.learn(writer, names.writer)
    return _differences(writer, reader, str(writer["name"]), names)


@dataclass(frozen=True, slots=True)
class _Names:
    """The named types of both schemas, to look through references."""

    reader: dict[str, Any] = field(default_factory=dict)
    writer: dict[str, Any] = field(default_factory=dict)

    def learn(self, schema: Any, into: dict[str, Any]) -> None:
        if isinstance(schema, list):
            for branch in schema:
                self.learn(branch, into)
        elif isinstance(schema, dict):
            if "name" in schema:
                into[schema["name"]] = schema
            for inner in (schema.get("items"), schema.get("values"), *(f["type"] for f in schema.get("fields", ()))):
                self.learn(inner, into)


def _kind(schema: Any) -> str:
    return schema if isinstance(schema, str) else str(schema["type"])


def _differences(writer: Any, reader: Any, where: str, names: _Names) -> list[str]:
    writer = names.writer.get(writer, writer) if isinstance(writer, str) else writer
    reader = names.reader.get(reader, reader) if isinstance(reader, str) else reader
    if isinstance(writer, list):
        return [line for branch in writer for line in _differences(branch, reader, where, names)]
    if isinstance(reader, list):
        branch = next((each for each in reader if _matches(writer, each, names)), None)
        if branch is None:
            return [f"{where}: the reader's union has no branch for {_kind(writer)}: add one"]
        return _differences(writer, branch, where, names)
    if not _matches(writer, reader, names):
        return [f"{where}: {_kind(writer)} cannot be read as {_kind(reader)}: keep the type and the name"]
    return _inner_differences(writer, reader, where, names)


def _inner_differences(writer: Any, reader: Any, where: str, names: _Names) -> list[str]:
    match _kind(reader):
        case "record" | "error":
            return _field_differences(writer, reader, where, names)
        case "array":
            return _differences(writer["items"], reader["items"], f"{where}[]", names)
        case "map":
            return _differences(writer["values"], reader["values"], f"{where}{{}}", names)
        case "enum" if "default" not in reader:
            lost = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
            return [f"{where}: the reader's enum lacks {', '.join(lost)}: add it, or a default"] if lost else []
        case _:
            return []


def _field_differences(writer: Any, reader: Any, where: str, names: _Names) -> list[str]:
    written = {each["name"]: each["type"] for each in writer["fields"]}
    lines = []
    for each in reader["fields"]:
        here = f"{where}.{each['name']}"
        source = next((name for name in (each["name"], *each.get("aliases", ())) if name in written), None)
        if source is not None:
            lines += _differences(written[source], each["type"], here, names)
        elif "default" not in each:
            lines.append(f"{here}: the writer does not write it and the reader has no default: give it a default")
    return lines


def _matches(writer: Any, reader: Any, names: _Names) -> bool:
    """Whether two types, neither of them a writer's union, can be meant for each other, whatever is inside them."""
    reader = names.reader.get(reader, reader) if isinstance(reader, str) else reader
    written, read = _kind(writer), _kind(reader)
    if written != read:
        return read in _PROMOTIONS.get(written, ())
    if written not in {"record", "error", "enum", "fixed"}:
        return True
    same_name = _short(writer["name"]) in {_short(name) for name in (reader["name"], *reader.get("aliases", ()))}
    return same_name and (written != "fixed" or writer["size"] == reader["size"])


def _short(name: str) -> str:
    return name.rsplit(".", 1)[-1]
