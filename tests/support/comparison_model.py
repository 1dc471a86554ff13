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
PARTS = {"answering": "production", "shadow": "shadow"}


@dataclass
class LaneModel:
    """One lane's records with the parts that it was sent them for, and what became of them."""

    routed: dict[int, str] = field(default_factory=dict)
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    excluded: int = 0
    doubled: int = 0
    strays: list[int] = field(default_factory=list)
    top: int = -1

    def route(self, row: dict[str, Any]) -> None:
        header = FrameHeader(1, 0, row["base_offset"], row["span"], row["count"], bitmap=row["bitmap"])
        if row["kind"] == "frame":
            self.routed |= dict.fromkeys(header.offsets(), row["part"] or PARTS[row["role"]])
        elif row["kind"] == "excluded":
            self.excluded += len(header.offsets())

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


@dataclass
class Opinion:
    """What production says to a record. outcome: canary where it is not asked; None while nothing is known."""

    outcome: str | None
    row: dict[str, Any] | None = None


@dataclass
class Model:
    """All lanes. settled: per lane, the records of which all is known, in the lane's order."""

    lanes: dict[Lane, LaneModel]
    settled: dict[Lane, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        before = None
        while before != self.settled:
            before = dict(self.settled)
            self.settled = {lane: self._settled(model) for lane, model in self.lanes.items()}

    def _settled(self, model: LaneModel) -> int:
        """As far as opinions are known, which may depend on what is settled in other lanes."""
        for i, (at, part) in enumerate(model.routed.items()):
            if model.outcome(at) is None or (part == "shadow" and self.opinion(at).outcome is None):
                return i
        return len(model.routed)

    def opinion(self, at: int) -> Opinion:
        asked = [lane for lane, model in self.lanes.items() if model.routed.get(at) in {"production", "mirror"}]
        if not asked:
            return Opinion("canary")
        (lane,) = asked
        model = self.lanes[lane]
        is_settled = at in list(model.routed)[: self.settled.get(lane, 0)]
        return Opinion(model.outcome(at), model.rows.get(at)) if is_settled else Opinion(None)

    def counts(self, lane: Lane) -> dict[str, int]:
        model, settled = self.lanes[lane], self.settled[lane]
        counts = Counter(routed=len(model.routed), excluded=model.excluded, unexpected=model.doubled)
        for at, part in list(model.routed.items())[:settled]:
            own = str(model.outcome(at))
            counts[own] += 1
            counts["reclaimed"] += own == "answered" and is_reclaimed(model.rows[at])
            if part == "shadow":
                counts[pair_kind(self.opinion(at), model.rows.get(at), own)] += 1
        waiting = [*model.routed][settled:]
        counts["unexpected"] += sum(not waiting or at < waiting[0] for at in model.strays)
        return dict(+(counts + self.canary_pairs(model)))

    def canary_pairs(self, model: LaneModel) -> Counter[str]:
        """What the lane was sent as a canary, in its own order: a mirror that is late holds up only this."""
        counts: Counter[str] = Counter()
        for at in (at for at, part in model.routed.items() if part == "canary"):
            own, opinion = model.outcome(at), self.opinion(at)
            if own is None or opinion.outcome is None:
                break
            if opinion.outcome != "canary":
                counts[pair_kind(opinion, model.rows.get(at), own)] += 1
        return counts


def expected(world: World) -> dict[Lane, dict[str, int]]:
    """All counts of every lane."""
    lanes: dict[Lane, LaneModel] = {}
    for row in rows_of(world, TOPICS.routes):
        if row["kind"] != "adopted":
            lanes.setdefault(Lane(row["version"], row["role"]), LaneModel()).route(row)
    for name in (TOPICS.predictions, TOPICS.shadow_predictions):
        for row in rows_of(world, name):
            lanes[Lane(row["routed_version"], row["lane"])].answer(row)
    model = Model(lanes)
    return {lane: model.counts(lane) for lane in lanes}


def pair_kind(production: Opinion, candidate: dict[str, Any] | None, own: str) -> str:
    if why := no_evidence(candidate, own):
        return f"unpaired_{why}"
    if production.outcome == "canary":
        return "unpaired_canary"
    if why := no_evidence(production.row, production.outcome or ""):
        return f"unpaired_production_{why}"
    assert candidate
    assert production.row
    if production.outcome == "failed":
        return "failed_both" if own == "failed" else "failed_production"
    if own == "failed":
        return "failed_candidate"
    return "matched" if production.row["label"] == candidate["label"] else "mismatched"


def no_evidence(row: dict[str, Any] | None, outcome: str) -> str:
    """Why this side of a pair tells nothing of its version."""
    if row is None or outcome == "withdrawn":
        return outcome
    return "withdrawn" if is_reclaimed(row) else ""


def is_reclaimed(row: dict[str, Any]) -> bool:
    return bool(row["answered_version"] != row["routed_version"])


def rows_of(world: World, name: str) -> Iterator[dict[str, Any]]:
    for batch in world.topics[name].batches:
        for value in batch.columns.values:
            yield DECODERS[name].decode(value)
