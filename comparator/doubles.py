"""Records that were routed to two answering lanes: that should be impossible, and users would get two answers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from comparator.routed import RoutedFrame
    from comparator.tracks import Track

REMEMBERED_FRAMES: Final = 200
"""Of each answering lane, among so many of its last frames double ones are looked for."""

REMEMBERED_OFFSETS: Final = 1_000_000
"""A lane whose last frame lies so far back is forgotten."""


@dataclass(slots=True)
class Doubles:
    """The last frames of the answering lanes. A production's and its canary's interleave, and share no record."""

    _frames: dict[Track, list[RoutedFrame]] = field(default_factory=dict)

    def count(self, track: Track, frame: RoutedFrame) -> int:
        """How many records of a lane's next frame were sent to another answering lane before."""
        for other in [other for other, frames in self._frames.items() if _is_far(frames, frame)]:
            del self._frames[other]
        shared = sum(_shared(frame, frames) for other, frames in self._frames.items() if other != track)
        own = self._frames.setdefault(track, [])
        while own and own[-1].after > frame.base:  # sent again: they stay in order
            own.pop()
        own.append(frame)
        if len(own) > 2 * REMEMBERED_FRAMES:
            del own[:REMEMBERED_FRAMES]
        return shared


def _is_far(frames: list[RoutedFrame], frame: RoutedFrame) -> bool:
    return not frames or frames[-1].after + REMEMBERED_OFFSETS < frame.base


def _shared(frame: RoutedFrame, others: list[RoutedFrame]) -> int:
    if not others or others[-1].after <= frame.base:
        return 0
    first = bisect_right(others, frame.base, key=lambda other: other.after)
    return sum(frame.shared_with(other) for other in others[first:])
