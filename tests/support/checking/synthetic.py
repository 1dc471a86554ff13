"""An endpoint's rows as they should be, written down record by record: what the checker's own tests spoil."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from support.checking.plans import given, hashes
from support.checking.rows import Answer, Evidence, Lane, Letter, Planned, Route

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from support.checking.plans import Given

FRAME_RECORDS = 20
APPENDED_MS = 1_700_000_000_000


def plan(
    revision: int,
    production: str,
    shadows: Sequence[str] = (),
    canary: tuple[str, int, bool] | None = None,
) -> dict[str, Any]:
    """A plan as the route rows have it."""
    version_share_mirrored = canary and dict(zip(("version", "share_ppm", "mirrored"), canary, strict=True))
    return {
        "revision": revision,
        "production": production,
        "canary": version_share_mirrored or None,
        "shadows": list(shadows),
        "salt": 11,
    }


@dataclass(frozen=True, slots=True)
class Change:
    """The plan holds from `begin` on. action: what it was asked for by."""

    begin: int
    action: str
    plan: Mapping[str, Any]


@dataclass
class World:
    """Writes the rows of one partition after the other.

    excluded: versions that cannot be given anything under these revisions. reclaimed: from these offsets on, what
    lanes of the version were sent was left to reclaimers. failing: offsets that no version can answer.
    """

    size: int
    changes: Sequence[Change]
    partitions: int = 2
    excluded: frozenset[tuple[str, int]] = frozenset()
    reclaimed: Mapping[str, int] = field(default_factory=dict)
    failing: frozenset[int] = frozenset()

    def evidence(self) -> Evidence:
        """Everything, without a fault."""
        keys = {p: {at: None if at % 50 == 49 else b"k%d" % (at % 97) for at in range(self.size)} for p in self._all}
        routes = {p: list(self._routes(p, keys[p])) for p in self._all}
        answers = {p: list(self._answers(routes[p], keys[p])) for p in self._all}
        rows = [row for p in self._all for row in answers[p]]
        return Evidence(
            keys,
            routes,
            {p: [row for row in answers[p] if row.lane == "answering"] for p in self._all},
            {p: [row for row in answers[p] if row.lane == "shadow"] for p in self._all},
            [
                Letter(row.source_partition, row.answered_version, row.source_partition, row.source_offset)
                for row in rows
                if row.outcome == "failed"
            ],
            [each for p in self._all for each in self._comparisons(p, routes[p], answers[p])],
            [Planned(change.action, change.plan) for change in self.changes],
        )

    @property
    def _all(self) -> range:
        return range(self.partitions)

    def _routes(self, partition: int, keys: Mapping[int, bytes | None]) -> Iterator[Route]:
        before: Mapping[str, Any] | None = None
        hashed = hashes(keys, self.size, partition, 11).tolist()
        ends = [*[change.begin for change in self.changes][1:], self.size]
        for change, end in zip(self.changes, ends, strict=True):
            revision = change.plan["revision"]
            lanes = self._lanes(change.plan)
            first = lanes[0][1]
            yield _route("adopted", first, revision, partition, change.begin, [])._replace(plan=change.plan)
            for lane in {each.lane for each in given(before)} if before else set():
                if lane not in {each.lane for each in given(change.plan)}:
                    closed = first._replace(lane=lane, part="shadow")
                    yield _route("end", closed, revision, partition, change.begin, [])
            for begin in range(change.begin, end, FRAME_RECORDS):
                for kind, each in lanes:
                    offsets = range(begin, min(begin + FRAME_RECORDS, end))
                    mine = [at for at in offsets if each.low <= hashed[at] < each.high]
                    if mine:
                        yield _route(kind, each, revision, partition, begin, mine)
            before = change.plan

    def _lanes(self, plan: Mapping[str, Any]) -> list[tuple[str, Given]]:
        """What is written for each lane."""
        canary = plan["canary"]
        if canary is None or (canary["version"], plan["revision"]) not in self.excluded:
            out = {version for version, revision in self.excluded if revision == plan["revision"]}
            return [("excluded" if each.lane.version in out else "frame", each) for each in given(plan)]
        told = [each for each in given(plan) if each.part in {"canary", "mirror"}]
        return [*self._lanes({**plan, "canary": None}), *[("excluded", each) for each in told]]

    def _answers(self, routes: Sequence[Route], keys: Mapping[int, bytes | None]) -> Iterator[Answer]:
        for row in routes:
            if row.kind == "frame":
                offsets = [
                    row.base_offset + i for i in range(row.span) if row.bitmap and row.bitmap[i // 8] >> i % 8 & 1
                ]
                if row.role == "shadow" and offsets[0] >= self.reclaimed.get(row.version, self.size):
                    yield self._answer(row, offsets[0], keys)._replace(
                        key=None, outcome="withdrawn", span=offsets[-1] - offsets[0] + 1, said=()
                    )
                    continue
                for at in offsets:
                    yield self._answer(row, at, keys)

    def _answer(self, row: Route, at: int, keys: Mapping[int, bytes | None]) -> Answer:
        version = row.version
        if row.role == "answering" and at >= self.reclaimed.get(version, self.size):
            version = self.changes[-1].plan["production"]
        outcome = "failed" if at in self.failing else "answered"
        said = (at % 3 == 0) if version != "m:v4" else (at % 2 == 0)
        return Answer(
            keys[at],
            APPENDED_MS + at,
            outcome,
            row.role,
            row.version,
            version,
            row.revision,
            row.share_ppm,
            row.source_partition,
            at,
            said=(said,) if outcome == "answered" else (),
            error_kind=None if outcome == "answered" else "model_raised",
        )

    def _comparisons(
        self, partition: int, routes: Sequence[Route], answers: Sequence[Answer]
    ) -> Iterator[dict[str, Any]]:
        ledger = Counter[tuple[Lane, int, str]]()
        for row in routes:
            if row.kind in {"frame", "excluded"}:
                ledger[row.lane, row.revision, "routed" if row.kind == "frame" else "excluded"] += row.records
        by_lane: dict[tuple[Lane, int], Answer] = {}
        for answer in answers:
            lane = Lane(answer.routed_version, answer.lane)
            for at in self._accounted(routes, answer):
                by_lane[lane, at] = answer
                ledger[lane, answer.revision, answer.outcome] += 1
                if answer.outcome == "answered" and answer.answered_version != answer.routed_version:
                    ledger[lane, answer.revision, "reclaimed"] += 1
        for (lane, revision, kind), count in ledger.items():
            yield comparison(partition, lane, revision, kind, count)
        for (lane, revision, kind), count in self._pairs(by_lane).items():
            yield comparison(partition, lane, revision, kind, count, against="anybody")

    def _accounted(self, routes: Sequence[Route], answer: Answer) -> list[int]:
        """The offsets of which an answer tells: for a withdrawn range, those that the lane was sent."""
        if answer.outcome != "withdrawn":
            return [answer.source_offset]
        end = answer.source_offset + answer.span
        return [
            row.base_offset + i
            for row in routes
            if row.kind == "frame" and row.lane == Lane(answer.routed_version, "shadow")
            for i in range(row.span)
            if row.bitmap and row.bitmap[i // 8] >> i % 8 & 1 and answer.source_offset <= row.base_offset + i < end
        ]

    def _pairs(self, by_lane: Mapping[tuple[Lane, int], Answer]) -> Counter[tuple[Lane, int, str]]:
        pairs = Counter[tuple[Lane, int, str]]()
        for (lane, at), answer in by_lane.items():
            if lane.role != "shadow":
                continue
            plan = next(change.plan for change in reversed(self.changes) if change.begin <= at)
            production, canary = plan["production"], plan["canary"]
            opinion = by_lane.get((Lane(production, "shadow"), at)) or by_lane.get((Lane(production, "answering"), at))
            if lane.version != production:
                pairs[lane, answer.revision, _kind(opinion, answer)] += 1
            elif canary:
                theirs = Lane(canary["version"], "answering")
                pairs[theirs, answer.revision, _kind(answer, by_lane[theirs, at])] += 1
        return pairs


def _kind(production: Answer | None, candidate: Answer) -> str:
    if candidate.outcome == "withdrawn" or candidate.answered_version != candidate.routed_version:
        return "unpaired_withdrawn"
    if production is None:
        return "unpaired_canary"
    if candidate.outcome == "failed":
        return "failed_both"
    return "matched" if candidate.said == production.said else "mismatched"


def _route(kind: str, lane: Given, revision: int, partition: int, begin: int, offsets: Sequence[int]) -> Route:
    bitmap = bytearray(-(-FRAME_RECORDS // 8))
    for at in offsets:
        bitmap[(at - begin) // 8] |= 1 << (at - begin) % 8
    share = lane.high - lane.low
    return Route(
        kind,
        lane.lane.role,
        lane.lane.version,
        revision,
        partition,
        begin,
        offsets[-1] - begin + 1 if offsets else 0,
        len(offsets),
        share,
        bytes(bitmap) if offsets else None,
        lane.part,
        None,
    )


def comparison(
    partition: int, lane: Lane, revision: int, kind: str, count: int, against: str | None = None
) -> dict[str, Any]:
    """A comparison row that counts one kind."""
    return {
        "source_partition": partition,
        "version": lane.version,
        "role": lane.role,
        "against": against,
        "revision": revision,
        "block": None,
        "slice": None,
        "counts": {kind: count},
    }


def swapped(rows: Sequence[Any], first: int) -> list[Any]:
    """The rows, two neighbours swapped."""
    order = list(rows)
    order[first], order[first + 1] = order[first + 1], order[first]
    return order


def neighbours(rows: Sequence[Answer]) -> int:
    """Where two rows of one lane stand beside each other."""
    return next(
        i
        for i, (one, other) in enumerate(pairwise(rows))
        if one.routed_version == other.routed_version and i > len(rows) // 2
    )
