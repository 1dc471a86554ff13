"""Events from CSV or JSON lines, turned into rows of an Avro schema."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

Format = Literal["csv", "json"]

WHOLE_TYPES: Final = frozenset({"int", "long"})
NUMBER_TYPES: Final = frozenset({"float", "double"})
BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False, "1": True, "0": False}


class BadLine(ValueError):
    """A line that is no event; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the source: its number, from 1, and the event in it or what is wrong with it."""

    number: int
    event: Mapping[str, Any] | BadLine


def events(
    source: Iterable[str], form: Format, schema: Mapping[str, Any], besides: Collection[str | None] = ()
) -> Iterator[Line]:
    """Every line's event.

    CSV has a header; its texts become what the schema's fields are, and other columns are left out, but for those
    named in `besides`, which stay text.
    """
    return _json_lines(source) if form == "json" else _csv_lines(source, schema, besides)


def _json_lines(source: Iterable[str]) -> Iterator[Line]:
    for number, text in enumerate(source, start=1):
        if not text.strip():
            continue
        try:
            value = json.loads(text)
        except ValueError as error:
            yield Line(number, BadLine(f"it is not JSON ({error}); for CSV give --format csv"))
            continue
        yield Line(number, value if isinstance(value, dict) else BadLine("it is not a JSON object"))


def _csv_lines(source: Iterable[str], schema: Mapping[str, Any], besides: Collection[str | None]) -> Iterator[Line]:
    converters: dict[str, Callable[[str], Any]] = {name: str for name in besides if name is not None}
    converters |= {field["name"]: converter(field["type"]) for field in schema["fields"]}
    reader = csv.DictReader(source, restkey="", restval=None)
    for cells in reader:
        try:
            yield Line(reader.line_num, _event(cells, converters))
        except BadLine as error:
            yield Line(reader.line_num, error)


def _event(cells: Mapping[str, str | None], converters: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    if "" in cells or None in cells.values():
        raise BadLine("it has more or fewer columns than the header")
    return {name: _converted(name, text or "", converters[name]) for name, text in cells.items() if name in converters}


def _converted(name: str, text: str, convert: Callable[[str], Any]) -> Any:
    try:
        return convert(text)
    except (ValueError, KeyError) as error:
        raise BadLine(
            f"{name} is {text!r}, which is no {error if isinstance(error, BadLine) else 'such value'}"
        ) from None


def converter(avro_type: Any) -> Callable[[str], Any]:
    """From a CSV cell to a value of an Avro type; an empty cell is null where null is possible.

    The converter raises BadLine naming the type.
    """
    branches = avro_type if isinstance(avro_type, list) else [avro_type]
    names = [branch["type"] if isinstance(branch, dict) else branch for branch in branches]
    kinds = [name for name in names if name != "null"]

    def convert(text: str) -> Any:
        if text == "" and "null" in names:
            return None
        for kind in kinds:
            value = _parsed(text, kind)
            if value is not None:
                return value
        raise BadLine(" or ".join(kinds))

    return convert


def _parsed(text: str, kind: str) -> Any:
    """The value; None where the text is none of this type."""
    try:
        if kind in WHOLE_TYPES:
            return int(text)
        if kind in NUMBER_TYPES:
            return float(text)
    except ValueError:
        return None
    if kind == "boolean":
        return BOOLEANS.get(text.lower())
    if kind == "bytes":
        return text.encode()
    return text
