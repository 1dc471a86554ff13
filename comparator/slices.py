"""Names of slices: the values of the fields that the settings name, a bounded number of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER: Final = "(other)"
MAX_COMBINATIONS: Final = 10_000
"""Combinations of values whose names are remembered; with more, they are made again."""


@dataclass(slots=True)
class SliceNames:
    """Turns an event's slice fields into names like `origin=JFK`.

    Of each field, the first `max_values` values that are seen get a name of their own; the others share
    `origin=(other)`. Which ones were first is forgotten at a restart, so there may be a few more over time.
    """

    max_values: int = 50
    _values: dict[str, set[str]] = field(default_factory=dict)
    _known: dict[tuple[tuple[str, str], ...], tuple[str, ...]] = field(default_factory=dict)

    def of(self, slices: Mapping[str, str]) -> tuple[str, ...]:
        """One name for each field. The same tuple is handed out for the same values."""
        if not slices:
            return ()
        key = tuple(slices.items())
        names = self._known.get(key)
        if names is None:
            if len(self._known) >= MAX_COMBINATIONS:
                self._known.clear()
            names = self._known[key] = tuple(self._name(name, value) for name, value in key)
        return names

    def _name(self, name: str, value: str) -> str:
        values = self._values.setdefault(name, set())
        if value not in values and len(values) >= self.max_values:
            return f"{name}={OTHER}"
        values.add(value)
        return f"{name}={value}"
