"""What commands print: text for people, or JSON."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def say(text: str = "") -> None:
    """A line on standard output."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"{text}\n")


def say_json(value: object, *, indent: int | None = 2) -> None:
    """A value as JSON on standard output; what JSON has no form for is written as text, bytes as hexadecimal."""
    say(json.dumps(value, indent=indent, default=_plain, ensure_ascii=False))


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Aligned columns: numbers, with thousands separators, to the right, the rest to the left."""
    listed = list(rows)
    written = [[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in listed]
    right = [bool(listed) and all(isinstance(row[i], int) for row in listed) for i in range(len(head))]
    widths = [max(len(line[i]) for line in (list(head), *written)) for i in range(len(head))]
    return "\n".join(_aligned(line, widths, right) for line in (head, *written))


def _aligned(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    columns = zip(cells, widths, right, strict=True)
    return "  ".join(cell.rjust(width) if to_right else cell.ljust(width) for cell, width, to_right in columns).rstrip()
