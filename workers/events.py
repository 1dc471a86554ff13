"""What rows say of an event besides its answer: when it happened, its id, its slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_ID_CHARACTERS: Final = 1_000
MAX_SLICE_CHARACTERS: Final = 200
MAX_TIME_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that a timestamp can show."""


class Details(NamedTuple):
    """event_time_ms since 1970; event_id and slices as text, cut where they are very long."""

    event_time_ms: int
    event_id: str | None
    slices: dict[str, str]


@dataclass(frozen=True, slots=True)
class EventFields:
    """The fields of the decoded event that the settings name; all may be left out.

    event_time: a whole number since 1970, of which units_per_ms make a millisecond (1,000 for Avro's
    timestamp-micros); where it is not named, null, or beyond the year 9999, the record's create time stands for it.
    event_id and slices: any value, turned into text; a null or missing one is left out.
    """

    event_id: str | None = None
    event_time: str | None = None
    slices: tuple[str, ...] = ()
    units_per_ms: int = 1

    def details(self, event: Mapping[str, object], created_ms: int) -> Details:
        """What a row says of a decoded event."""
        time_ms = None if self.event_time is None else self._milliseconds(event.get(self.event_time))
        event_id = None if self.event_id is None else event.get(self.event_id)
        return Details(
            within_range(created_ms) if time_ms is None else time_ms,
            None if event_id is None else _text(event_id, MAX_ID_CHARACTERS),
            {
                name: _text(value, MAX_SLICE_CHARACTERS)
                for name in self.slices
                if (value := event.get(name)) is not None
            },
        )

    def _milliseconds(self, value: object) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        time_ms = value // self.units_per_ms
        return time_ms if 0 <= time_ms <= MAX_TIME_MS else None


def within_range(time_ms: int) -> int:
    """A producer may write any number as a record's time; the nearest that is one."""
    return min(max(time_ms, 0), MAX_TIME_MS)


def _text(value: object, most: int) -> str:
    if isinstance(value, str):
        return value if len(value) <= most else value[:most]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value[:most].hex()[:most]
    return str(value)[:most]
