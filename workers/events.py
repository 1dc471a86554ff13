"""What rows say of an event besides its answer: when it happened, its id, its slices."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NO_SLICES: Final[Mapping[str, str]] = MappingProxyType({})

MAX_ID_CHARACTERS: Final = 1_000
MAX_SLICE_CHARACTERS: Final = 200
MAX_TIME_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that a timestamp can show."""


class Details(NamedTuple):
    """Columns of one length. event_times_ms since 1970; event_ids and slices as text, cut where they are very long."""

    event_times_ms: Sequence[int]
    event_ids: Sequence[str | None]
    slices: Sequence[Mapping[str, str]]


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

    def details(self, events: Sequence[Mapping[str, object]], created_ms: Sequence[int]) -> Details:
        """What rows say of decoded events, whose records have these create times."""
        created_ms = within_range(created_ms)
        nothing: list[Any] = [None] * len(events)
        return Details(
            created_ms if self.event_time is None else self._times_ms(events, self.event_time, created_ms),
            nothing if self.event_id is None else [_id(event.get(self.event_id)) for event in events],
            [self._slices_of(event) for event in events] if self.slices else [NO_SLICES] * len(events),
        )

    def _times_ms(self, events: Sequence[Mapping[str, object]], field: str, created_ms: Sequence[int]) -> Sequence[int]:
        times_ms = [self._milliseconds(event.get(field)) for event in events]
        return [created if time_ms is None else time_ms for time_ms, created in zip(times_ms, created_ms, strict=True)]

    def _milliseconds(self, value: object) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        time_ms = value // self.units_per_ms
        return time_ms if 0 <= time_ms <= MAX_TIME_MS else None

    def _slices_of(self, event: Mapping[str, object]) -> dict[str, str]:
        found = [(name, event.get(name)) for name in self.slices]
        return {name: _text(value, MAX_SLICE_CHARACTERS) for name, value in found if value is not None}


def within_range(times_ms: Sequence[int]) -> Sequence[int]:
    """A producer may write any number as a record's time; the nearest that is one."""
    if not times_ms or (min(times_ms) >= 0 and max(times_ms) <= MAX_TIME_MS):
        return times_ms
    return [min(max(time_ms, 0), MAX_TIME_MS) for time_ms in times_ms]


def _id(value: object) -> str | None:
    return None if value is None else _text(value, MAX_ID_CHARACTERS)


def _text(value: object, most: int) -> str:
    if isinstance(value, str):
        return value if len(value) <= most else value[:most]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value[:most].hex()[:most]
    return str(value)[:most]
