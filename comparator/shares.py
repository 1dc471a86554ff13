"""Which records canaries were sent: to those production's answering lane says nothing."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from comparator.routed import RoutedFrame


@dataclass(slots=True)
class Shares:
    """The frames of canaries, as far back as somebody waits for an opinion on their records."""

    _frames: list[RoutedFrame] = field(default_factory=list)

    def add(self, frame: RoutedFrame) -> None:
        """Take a frame; they come in order, and once more where routes are read again."""
        if not self._frames or frame.base >= self._frames[-1].after:
            self._frames.append(frame)

    def has(self, at: int) -> bool:
        """Whether a canary was sent the record."""
        i = bisect_right(self._frames, at, key=_base) - 1
        return i >= 0 and self._frames[i].holds(at)

    def drop_to(self, floor: int | None) -> None:
        """Forget what lies before a source offset; None: everything."""
        if floor is None:
            self._frames.clear()
        elif self._frames and self._frames[0].after <= floor:
            del self._frames[: bisect_right(self._frames, floor, key=_after)]

    def oldest_rows(self, floor: int = 0) -> Iterator[int]:
        """The offset of the first row of routes with records at or after the offset `floor`."""
        i = bisect_right(self._frames, floor, key=_after)
        if i < len(self._frames):
            yield self._frames[i].offset


def _base(frame: RoutedFrame) -> int:
    return frame.base


def _after(frame: RoutedFrame) -> int:
    return frame.after
