"""Reads records of numbers of one width and a few short texts, as many events are.

In less than half of fastavro's time for a text and 27 doubles (`benchmarks/bench_encoding.py`).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.parsing import RecordSchema

PlainReader: TypeAlias = Callable[[bytes, int], "dict[str, Any] | None"]
"""Of a value, from a position on, the record that ends where the value ends; None where it is not as simple as that."""

WORTH_A_RUN: Final = 16
"""Fixed-width fields in a row from which on reading them at once saves more than a second call costs (measured)."""

_FIXED_WIDTH: Final = {"double": "d", "float": "f", "boolean": "?"}
_TEXTS: Final = 4
_LONG_OR_NEGATIVE: Final = 0x81
"""Bits of a text's first byte that say that its length has more bytes, or is below zero."""
_MISFIT: Final = (IndexError, UnicodeDecodeError, struct.error)


def fixed_width_code(field: dict[str, Any]) -> str | None:
    """The letter that `struct` has for a field's type, if values of it all have one width."""
    return _FIXED_WIDTH.get(_kind(field))


def plain_reader(writer: RecordSchema) -> PlainReader | None:
    """A reader of such records; None where the schema has other fields, or too few numbers in a row to be worth it."""
    fields: list[dict[str, Any]] = writer["fields"]
    runs = [(fixed, list(run)) for fixed, run in groupby(fields, lambda each: fixed_width_code(each) is not None)]
    texts = [field for fixed, run in runs for field in run if not fixed]
    longest = max((len(run) for fixed, run in runs if fixed), default=0)
    if longest < WORTH_A_RUN or len(texts) > _TEXTS or any(_kind(field) != "string" for field in texts):
        return None
    steps = [step for fixed, run in runs for step in ([_numbers(run)] if fixed else map(_text, run))]
    return lambda value, at: _read(steps, value, at)


def _kind(field: dict[str, Any]) -> str:
    kind = field["type"]
    if isinstance(kind, list):
        return "union"
    return kind if isinstance(kind, str) else str(kind["type"])


_Step: TypeAlias = "tuple[list[str], struct.Struct | None]"
"""Names of fields; and how they lie, where they have one width, else there is one name and it is a text's."""


def _numbers(fields: Sequence[dict[str, Any]]) -> _Step:
    codes = "".join(fixed_width_code(field) or "" for field in fields)
    return [field["name"] for field in fields], struct.Struct(f"<{codes}")


def _text(field: dict[str, Any]) -> _Step:
    return [field["name"]], None


def _read(steps: list[_Step], value: bytes, at: int) -> dict[str, Any] | None:
    row: dict[str, Any] = {}
    try:
        for names, layout in steps:
            if layout is not None:
                row.update(zip(names, layout.unpack_from(value, at), strict=True))
                at += layout.size
                continue
            size = value[at]
            if size & _LONG_OR_NEGATIVE:
                return None
            start, at = at + 1, at + 1 + (size >> 1)
            row[names[0]] = value[start:at].decode()
    except _MISFIT:
        return None
    return row if at == len(value) else None
