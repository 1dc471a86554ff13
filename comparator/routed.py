"""Which input records a lane was sent, by one row of the routes topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from understudy.deployments.plan import Part, Role

_USUAL_PARTS: Final[Mapping[Role, Part]] = {"answering": "production", "shadow": "shadow"}
"""What a row means that says nothing of its lane's part, as those of the first version of the schema."""


@dataclass(frozen=True, slots=True)
class RoutedFrame:
    """The source offsets from `base` up to, not including, `after`, or those of them whose bit is set.

    offset: of the first row of the batch that holds the row, for a batch of routes is taken as a whole. closes: an
    END frame, which has no records. part: what the lane was sent them for. excluded: they were not sent, because the
    lane could not be written to.
    """

    base: int
    after: int
    count: int
    revision: int
    offset: int
    bitmap: bytes | None = None
    closes: bool = False
    part: Part = "production"
    excluded: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any], offset: int) -> Self:
        """The frame of a route row of any kind but adopted. offset: of its batch's first row."""
        base, kind = row["base_offset"], row["kind"]
        return cls(
            base,
            base + row["span"],
            row["count"],
            row["revision"],
            offset,
            row["bitmap"],
            kind == "end",
            row["part"] or _USUAL_PARTS[row["role"]],
            kind == "excluded",
        )

    @property
    def is_opinion(self) -> bool:
        """Whether its records show what production says to them."""
        return self.part in {"production", "mirror"}

    def offsets_from(self, at: int) -> Iterable[int]:
        """Its source offsets from `at` on, ascending."""
        begin = max(at, self.base)
        return range(begin, self.after) if self.bitmap is None else self._set_from(begin, self.bitmap)

    def _set_from(self, begin: int, bitmap: bytes) -> Iterator[int]:
        base = self.base
        for i in range(begin - base, self.after - base):
            if bitmap[i >> 3] >> (i & 7) & 1:
                yield base + i

    def holds(self, at: int) -> bool:
        """Whether it has this source offset."""
        if not self.base <= at < self.after:
            return False
        i = at - self.base
        return self.bitmap is None or bool(self.bitmap[i >> 3] >> (i & 7) & 1)

    def count_from(self, at: int) -> int:
        """How many source offsets it has from `at` on."""
        if self.bitmap is None:
            return max(0, self.after - max(at, self.base))
        return (self._bits() >> max(0, at - self.base)).bit_count()

    def shared_with(self, other: RoutedFrame) -> int:
        """How many source offsets both have."""
        base, after = max(self.base, other.base), min(self.after, other.after)
        if base >= after:
            return 0
        both = (self._bits() >> base - self.base) & (other._bits() >> base - other.base)
        return (both & (1 << after - base) - 1).bit_count()

    def _bits(self) -> int:
        span = self.after - self.base
        every = (1 << span) - 1
        return every if self.bitmap is None else int.from_bytes(self.bitmap, "little") & every
