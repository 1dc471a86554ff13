"""What a comparator should count, by the simplest join there is: everything in memory, in one go."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.comparing import TOPICS

from schemas.encodings import RowDecoder
from understudy.core.frames import FrameHeader
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.comparing import World

DECODERS = {
    TOPICS.routes: RowDecoder.of("avro", "route"),
    TOPICS.predictions: RowDecoder.of("avro", "prediction"),
    TOPICS.shadow_predictions: RowDecoder.of("avro", "prediction"),
}


@dataclass
class LaneModel:
    """One lane's records, and what became of them."""

    routed: list[int] = field(default_factory=list)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    doubled: int = 0
    strays: list[int] = field(default_factory=list)
    top: int = -1

    def answer(self, row: dict[str, Any]) -> None:
        begin, end = row["source_offset"], row["source_offset"] + row["span"]
        if end - 1 <= self.top:
            self.doubled += 1
            return
        fresh = [at for at in self.routed if max(begin, self.top + 1) <= at < end]
        if not fresh and row["outcome"] != "withdrawn":
            self.strays.append(begin)
        self.rows.update(dict.fromkeys(fresh, row))
        self.top = end - 1

    def outcome(self, at: int) -> str | None:
        """None while nothing is known."""
        if at in self.rows:
            return str(self.rows[at]["outcome"])
        return "missing" if at < max(self.rows, default=-1) else None


def expected(world: World) -> dict[Lane, dict[str, int]]:
    """All counts of every lane."""
    lanes: dict[Lane, LaneModel] = {}
    for row in rows_of(world, TOPICS.routes):
        model = lanes.setdefault(Lane(row["version"], row["role"]), LaneModel())
        if row["kind"] == "frame":
            header = FrameHeader(1, 0, row["base_offset"], row["span"], row["count"], bitmap=row["bitmap"])
            model.routed += header.offsets()
    for name in (TOPICS.predictions, TOPICS.shadow_predictions):
        for row in rows_of(world, name):
            lanes[Lane(row["routed_version"], row["lane"])].answer(row)
    owners = {at: model for lane, model in lanes.items() if lane.role == "answering" for at in model.routed}
    return {lane: dict(counts_of(lane, model, owners)) for lane, model in lanes.items()}


def counts_of(lane: Lane, model: LaneModel, owners: dict[int, LaneModel]) -> Counter[str]:
    counts = Counter(routed=len(model.routed))
    counts["unexpected"] += model.doubled
    settled_to = float("inf")
    for at in model.routed:
        own = model.outcome(at)
        theirs = owners[at].outcome(at)
        if own is None or (lane.role == "shadow" and theirs is None):
            settled_to = at
            break
        counts[own] += 1
        if lane.role == "shadow":
            counts[pair_kind(owners[at].rows.get(at), theirs or "", model.rows.get(at), own)] += 1
    counts["unexpected"] += sum(at < settled_to for at in model.strays)
    return +counts


def pair_kind(production: dict[str, Any] | None, theirs: str, candidate: dict[str, Any] | None, own: str) -> str:
    if candidate is None or own == "withdrawn":
        return f"unpaired_{own}"
    if production is None:
        return f"unpaired_production_{theirs}"
    if theirs == "failed":
        return "failed_both" if own == "failed" else "failed_production"
    if own == "failed":
        return "failed_candidate"
    return "matched" if production["label"] == candidate["label"] else "mismatched"


def rows_of(world: World, name: str) -> Iterator[dict[str, Any]]:
    for batch in world.topics[name].batches:
        for value in batch.columns.values:
            yield DECODERS[name].decode(value)
