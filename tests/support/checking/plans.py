"""Which lanes a record goes to under a plan: written again from the words in `schemas/route.avsc`."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import xxhash
from support.checking.rows import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from support.checking.rows import Planned

MILLION = 1_000_000


class Given(NamedTuple):
    """A lane gets the records whose hash is at least `low` and below `high`, in millionths."""

    lane: Lane
    part: str
    low: int = 0
    high: int = MILLION


def given(plan: Mapping[str, Any]) -> list[Given]:
    """What each lane of the plan gets."""
    production, canary = plan["production"], plan["canary"]
    shadows = [Given(Lane(version, "shadow"), "shadow") for version in plan["shadows"]]
    if canary is None:
        return [Given(Lane(production, "answering"), "production"), *shadows]
    share = canary["share_ppm"]
    answering = [
        Given(Lane(production, "answering"), "production", share, MILLION),
        Given(Lane(canary["version"], "answering"), "canary", 0, share),
    ]
    mirror = [Given(Lane(production, "shadow"), "mirror", 0, share)] if canary["mirrored"] else []
    return answering + mirror + shadows


def hashes(keys: Mapping[int, bytes | None], size: int, partition: int, salt: int) -> NDArray[np.int64]:
    """Of each offset's record, its key's hash in millionths; -1 where there is no record."""
    hashed = np.full(size, -1, dtype=np.int64)
    for offset, key in keys.items():
        data = struct.pack(">iq", partition, offset) if key is None else key
        hashed[offset] = xxhash.xxh64(data, seed=salt).intdigest() % MILLION
    return hashed


def versions(plan: Mapping[str, Any]) -> set[str]:
    """Every version that gets records."""
    return {each.lane.version for each in given(plan)}


class Withdrawals:
    """Which versions may have answered in place of one that was taken back."""

    def __init__(self, planned: Sequence[Planned]) -> None:
        self._planned = planned
        self._known: dict[tuple[str, int], frozenset[str]] = {}

    def answerers(self, version: str, revision: int) -> frozenset[str]:
        """Production's versions since `version` was taken back that was sent records under `revision`."""
        known = self._known.get((version, revision))
        if known is None:
            known = self._known[version, revision] = frozenset(self._since_withdrawal(version, revision))
        return known

    def _since_withdrawal(self, version: str, revision: int) -> Iterable[str]:
        before: Mapping[str, Any] | None = None
        for number, (action, plan, named) in enumerate(self._planned):
            left = before is not None and version in versions(before) and version not in versions(plan)
            retired = before is not None and before["production"] == version and action != "rollback"
            given_up = action == "withdrawn" and named == version
            if plan["revision"] > revision and ((left and not retired) or given_up):
                return [each.plan["production"] for each in self._planned[number:]]
            before = plan
        return ()
