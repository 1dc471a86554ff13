"""Records as lines for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from understudy.app.records.reading_rows import text_of

if TYPE_CHECKING:
    from understudy.app.records.reading_rows import Entry


def line(kind: str, entry: Entry) -> str:
    """One line: where, when, key, and what it says."""
    key = "" if entry.key is None else f" {text_of(entry.key)}"
    return f"{entry.at.partition}@{entry.offset} {moment(entry.timestamp_ms)}{key}: {said(kind, entry)}"


def said(kind: str, entry: Entry) -> str:
    """What a record says, by the kind of its topic."""
    if entry.fields is None:
        return f"cannot be decoded: {entry.error}"
    match kind:
        case "predictions" | "shadow-predictions":
            return prediction(entry.fields)
        case "routes":
            return route(entry.fields)
        case "dead-letters":
            return dead_letter(entry.fields)
        case _:
            return fields(entry.fields)


def prediction(row: Mapping[str, Any]) -> str:
    """An answer, an error, or a withdrawn range."""
    name = row["event_id"] or f"{row['source_partition']}@{row['source_offset']}"
    if row["outcome"] == "failed":
        return f"{name} {row['answered_version']} failed, {row['error_kind']}: {row['error']}"
    if row["outcome"] == "withdrawn":
        return f"{name} and {row['span'] - 1} more: withdrawn from {row['routed_version']}"
    return f"{name} {row['answered_version']} answered {answer(row)}"


def answer(row: Mapping[str, Any]) -> str:
    """The part of a row that answers."""
    if row["number"] is not None:
        return value(row["number"])
    if row["values"] is not None:
        return value(row["values"])
    probabilities = "" if row["probabilities"] is None else f" of {value(row['probabilities'])}"
    return value(row["label"]) + probabilities


def route(row: Mapping[str, Any]) -> str:
    """A frame, an end, or the adoption of a plan."""
    until = row["base_offset"] + row["span"]
    match row["kind"]:
        case "adopted":
            shadows = ", ".join(row["shadows"]) or "none"
            return f"revision {row['revision']} from {row['base_offset']}: {row['version']}, shadows {shadows}"
        case "end":
            return f"end of {row['version']} ({row['role']}) at {row['base_offset']}"
    return f"{row['count']} records of {row['base_offset']}..{until - 1} to {row['version']} ({row['role']})"


def dead_letter(row: Mapping[str, Any]) -> str:
    """Where a dead letter came from and why."""
    where = f"{row.get('topic', '?')}[{row.get('partition', '?')}]@{row.get('offset', '?')}"
    kind = str(row.get("exception.class.name", "?")).rpartition(".")[2]
    return f"{where}, {row['bytes'] or 0} bytes: {kind}: {row.get('exception.message', '?')}"


def fields(row: Mapping[str, Any]) -> str:
    """Field by field, without those that are empty."""
    return " ".join(f"{name}={value(content)}" for name, content in row.items() if content not in (None, {}, [], ""))


def value(content: Any) -> str:
    """A field's content."""
    if content is None or isinstance(content, bool):
        return json.dumps(content)
    if isinstance(content, float):
        return f"{content:.4g}"
    if isinstance(content, str | bytes):
        return content if isinstance(content, str) else text_of(content)
    if isinstance(content, Mapping):
        return "{" + ", ".join(f"{name}: {value(inner)}" for name, inner in content.items()) + "}"
    if isinstance(content, Sequence):
        return "[" + ", ".join(value(inner) for inner in content) + "]"
    return str(content)


def moment(timestamp_ms: int) -> str:
    """A time for people, in UTC; the number where it is none."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(timestamp_ms)
