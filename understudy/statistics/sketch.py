"""Quantiles from counts in logarithmic buckets, which add up over processes, partitions and blocks.

Masson, Rim, Lee: DDSketch, a fast and fully-mergeable quantile sketch with relative-error guarantees, VLDB 2019.
Without its collapsing of buckets: model times up to an hour take at most 1,447 buckets, and usually a few dozen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RELATIVE_ERROR: Final = 0.01
"""A quantile is off by at most this share of the value that really stands at its rank. Part of the stored format."""

_GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
_PER_LOG: Final = 1 / math.log(_GAMMA)
_BELOW_ONE: Final = -1
"""The bucket of everything below 1, which is told as 0."""


def bucket_of(value: float) -> int:
    """The bucket that holds a value of at least 0."""
    return math.ceil(math.log(value) * _PER_LOG) if value >= 1 else _BELOW_ONE


def value_of(bucket: int) -> float:
    """The value that a bucket stands for: within `RELATIVE_ERROR` of all that fall into it."""
    return 2 * _GAMMA**bucket / (_GAMMA + 1) if bucket >= 0 else 0.0


@dataclass(slots=True)
class Sketch:
    """How many values fell into each bucket. Merging is commutative and associative."""

    buckets: dict[int, int] = field(default_factory=dict)

    def add(self, bucket: int, count: int = 1) -> None:
        """Take `count` values of one bucket (`bucket_of`)."""
        self.buckets[bucket] = self.buckets.get(bucket, 0) + count

    def merge(self, buckets: Mapping[int, int]) -> None:
        """Take another sketch's buckets."""
        for bucket, count in buckets.items():
            self.add(bucket, count)

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    def quantile(self, share: float) -> float | None:
        """The value below which about `share` (0 to 1) of the values lie; None without values."""
        rank = share * (self.count - 1)
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen > rank:
                return value_of(bucket)
        return None
