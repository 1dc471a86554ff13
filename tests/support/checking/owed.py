"""What a partition's lanes owe, from its routes, and whether these are what the plans in force ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from support.checking.plans import MILLION, Given, given, hashes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from support.checking.findings import Findings
    from support.checking.rows import Lane, Route

NO_SHARE = -1


@dataclass(slots=True)
class Debt:
    """One lane's records in one partition, by source offset. 0 is no revision."""

    routed: NDArray[np.int64]
    excluded: NDArray[np.int64]
    share_ppm: NDArray[np.int32]
    routed_to: int = 0

    @classmethod
    def nothing(cls, size: int) -> Debt:
        return cls(
            np.zeros(size, dtype=np.int64),
            np.zeros(size, dtype=np.int64),
            np.full(size, NO_SHARE, dtype=np.int32),
        )


@dataclass(slots=True)
class Stretch:
    """The offsets from `begin` up to, not including, `end` are routed by this plan."""

    begin: int
    end: int
    plan: Mapping[str, Any]


@dataclass(slots=True)
class Owed:
    """One partition: the records that there are, the plans in force over them, and the lanes' debts."""

    partition: int
    keys: Mapping[int, bytes | None]
    size: int
    there: NDArray[np.bool_]
    stretches: list[Stretch] = field(default_factory=list)
    lanes: dict[Lane, Debt] = field(default_factory=dict)
    parts: dict[tuple[Lane, int], str] = field(default_factory=dict)

    @classmethod
    def of(cls, partition: int, keys: Mapping[int, bytes | None]) -> Owed:
        size = max(keys, default=-1) + 1
        there = np.zeros(size, dtype=np.bool_)
        there[list(keys)] = True
        return cls(partition, keys, size, there)

    def debt(self, lane: Lane) -> Debt:
        """A lane's debt."""
        known = self.lanes.get(lane)
        if known is None:
            known = self.lanes[lane] = Debt.nothing(self.size)
        return known


def read_routes(owed: Owed, routes: Sequence[Route], findings: Findings) -> None:
    """Take a partition's rows in their order."""
    reader = _Reader(owed, findings, f"routes[{owed.partition}]")
    for row in routes:
        reader.take(row)
    reader.finish()


@dataclass(slots=True)
class _Reader:
    owed: Owed
    findings: Findings
    where: str
    plan: Mapping[str, Any] | None = None
    ends: set[Lane] = field(default_factory=set)
    adopted_at: int = 0

    def take(self, row: Route) -> None:
        if row.source_partition != self.owed.partition:
            self.findings.add("wrong_partition", self.where, str(row))
        if row.kind == "adopted":
            self._adopt(row)
        elif self.plan is None or row.revision != self.plan["revision"]:
            self.findings.add("wrong_revision", self.where, f"{row}, but the plan in force is {self.plan}")
        elif row.kind == "end":
            self._end(row)
        else:
            self._frame(row)

    def finish(self) -> None:
        self._ends_were_told()
        if self.owed.stretches:
            self.owed.stretches[-1].end = self.owed.size

    def _adopt(self, row: Route) -> None:
        self._ends_were_told()
        plan = row.plan
        if plan is None or plan["revision"] != row.revision:
            self.findings.add("wrong_plan", self.where, str(row))
            return
        stretches = self.owed.stretches
        if self.plan is not None and row.revision <= self.plan["revision"]:
            self.findings.add("revision_back", self.where, f"{row} after {self.plan}")
        if row.base_offset < self.adopted_at:
            self.findings.add("revision_back", self.where, f"{row} after one from {self.adopted_at} on")
        if stretches:
            stretches[-1].end = row.base_offset
        stretches.append(Stretch(row.base_offset, row.base_offset, plan))
        kept = {each.lane for each in given(plan)}
        self.ends = {each.lane for each in given(self.plan)} - kept if self.plan is not None else set()
        self.owed.parts |= {(each.lane, row.revision): each.part for each in given(plan)}
        self.plan, self.adopted_at = plan, row.base_offset

    def _ends_were_told(self) -> None:
        for lane in self.ends:
            self.findings.add("wrong_end", self.where, f"no end of {lane}, which {self.plan} leaves out")
        self.ends = set()

    def _end(self, row: Route) -> None:
        if row.lane not in self.ends or row.base_offset != self.adopted_at or row.records:
            self.findings.add("wrong_end", self.where, f"{row}, adopted at {self.adopted_at}, ends due: {self.ends}")
        self.ends.discard(row.lane)

    def _frame(self, row: Route) -> None:
        offsets = offsets_of(row)
        known = offsets[(offsets >= 0) & (offsets < self.owed.size)]
        known = known[self.owed.there[known]]
        if len(known) < len(offsets):
            self.findings.add("routed_nobodys", self.where, str(row), len(offsets) - len(known))
        if row.records != len(offsets) or not row.records or row.base_offset < self.adopted_at:
            self.findings.add("wrong_row", self.where, f"{row} has {len(offsets)} offsets")
        if row.part != self.owed.parts.get((row.lane, row.revision)):
            self.findings.add("wrong_row", self.where, f"{row} is no part of {self.plan}")
        debt = self.owed.debt(row.lane)
        twice = np.count_nonzero(debt.routed[known] | debt.excluded[known])
        if twice:
            self.findings.add("routed_twice", self.where, str(row), int(twice))
        if row.base_offset < debt.routed_to:
            self.findings.add("out_of_order", self.where, f"{row} after one up to {debt.routed_to}")
        debt.routed_to = row.base_offset + row.span
        (debt.routed if row.kind == "frame" else debt.excluded)[known] = row.revision
        debt.share_ppm[known] = row.share_ppm


def offsets_of(row: Route) -> NDArray[np.int64]:
    """The input offsets that a row names."""
    if row.bitmap is None:
        return np.arange(row.base_offset, row.base_offset + row.span)
    bits = np.unpackbits(np.frombuffer(row.bitmap, dtype=np.uint8), bitorder="little")[: row.span]
    return np.flatnonzero(bits) + row.base_offset


def check_routing(owed: Owed, findings: Findings) -> None:
    """Each record went where the plan in force at its offset sends it, but for what was excluded."""
    by_salt: dict[int, NDArray[np.int64]] = {}
    for stretch in owed.stretches:
        salt = stretch.plan["salt"]
        if salt not in by_salt:
            by_salt[salt] = hashes(owed.keys, owed.size, owed.partition, salt)
    due = {lane: np.zeros(owed.size, dtype=np.int64) for lane in owed.lanes}
    for stretch in owed.stretches:
        where = slice(stretch.begin, stretch.end)
        revision = stretch.plan["revision"]
        for each, mask in _due(owed, stretch, by_salt[stretch.plan["salt"]][where], findings):
            due.setdefault(each.lane, np.zeros(owed.size, dtype=np.int64))[where][mask] = revision
    for lane, wanted in due.items():
        _compare(owed, lane, wanted, findings)
    _check_sticky(owed, findings)
    uncovered = owed.there.copy()
    uncovered[owed.stretches[0].begin if owed.stretches else owed.size :] = False
    findings.add_each("not_routed", f"routes[{owed.partition}]", uncovered, lambda _: "no plan was in force")


def _due(
    owed: Owed, stretch: Stretch, hashed: NDArray[np.int64], findings: Findings
) -> Iterator[tuple[Given, NDArray[np.bool_]]]:
    """Which records of a stretch each lane should have been sent."""
    where = slice(stretch.begin, stretch.end)
    lanes = given(stretch.plan)
    excluded = {each.lane: owed.debt(each.lane).excluded[where] > 0 for each in lanes}
    member = {each.lane: (hashed >= each.low) & (hashed < each.high) for each in lanes}
    canary = next((each.lane for each in lanes if each.part == "canary"), None)
    passed_on = np.zeros(len(hashed), dtype=np.bool_) if canary is None else excluded[canary] & member[canary]
    for each in lanes:
        mine, out = member[each.lane], excluded[each.lane]
        if each.part == "production":
            mine = mine | passed_on
            wrong = out
        else:
            # An excluded canary's mirror is excluded with it.
            wrong = out & ~mine | (passed_on & ~out if each.part == "mirror" else False)
        place = f"routes[{owed.partition}], {each.lane}"
        findings.add_each("wrongly_excluded", place, _whole(owed, stretch, wrong), partial(_told, stretch.plan))
        wrong = _has_wrong_share(owed, each, canary)[where]
        findings.add_each("wrong_row", place, _whole(owed, stretch, wrong), partial(_told, stretch.plan))
        yield each, mine & ~out


def _has_wrong_share(owed: Owed, each: Given, canary: Lane | None) -> NDArray[np.bool_]:
    """Rows name the lane's share; production's is the whole where the canary was excluded."""
    told = owed.debt(each.lane).share_ppm
    wrong = np.not_equal(told, NO_SHARE) & np.not_equal(told, each.high - each.low)
    if each.part == "production" and canary is not None and owed.debt(canary).excluded.any():
        wrong &= np.not_equal(told, MILLION)
    return wrong


def _whole(owed: Owed, stretch: Stretch, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    whole = np.zeros(owed.size, dtype=np.bool_)
    whole[stretch.begin : stretch.end] = mask
    return whole


def _told(plan: Mapping[str, Any], _: int) -> str:
    return f"under {plan}"


def _compare(owed: Owed, lane: Lane, due: NDArray[np.int64], findings: Findings) -> None:
    routed = owed.debt(lane).routed
    where = f"routes[{owed.partition}], {lane}"
    findings.add_each("not_routed", where, (due > 0) & (routed == 0), lambda at: f"due under revision {due[at]}")
    findings.add_each(
        "wrongly_routed", where, (routed > 0) & (due == 0), lambda at: f"routed under revision {routed[at]}"
    )
    findings.add_each(
        "wrong_revision",
        where,
        (routed > 0) & (due > 0) & (routed != due),
        lambda at: f"routed under revision {routed[at]}, while {due[at]} was in force",
    )


def _check_sticky(owed: Owed, findings: Findings) -> None:
    """A lane that was excluded stays so until a plan leaves it out."""
    for lane, debt in owed.lanes.items():
        is_out = False
        for stretch in owed.stretches:
            where = slice(stretch.begin, stretch.end)
            if lane not in {each.lane for each in given(stretch.plan)}:
                is_out = False
                continue
            excluded, routed = debt.excluded[where] > 0, debt.routed[where] > 0
            first = 0 if is_out else int(np.argmax(excluded)) if excluded.any() else len(excluded)
            back = routed.copy()
            back[:first] = False
            findings.add_each(
                "wrongly_routed",
                f"routes[{owed.partition}], {lane}",
                _whole(owed, stretch, back),
                lambda _: "the lane was excluded before",
            )
            is_out = is_out or bool(excluded.any())
