"""What the comparator counted, held against a join of the checker's own."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from support.checking.rows import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from support.checking.answered import Answered
    from support.checking.findings import Findings
    from support.checking.owed import Owed
    from support.checking.rows import Answer

Counts = Counter[tuple[int, Lane, int, str]]
"""By source partition, lane, revision and kind."""

IMPOSSIBLE: Final = ("missing", "unexpected", "routed_twice", "unrouted")
OWN: Final = ("routed", "answered", "reclaimed", "failed", "withdrawn", "expired", "excluded")
TOLD: Final = frozenset({"answered", "failed"})


def check_comparisons(
    rows: Sequence[Mapping[str, Any]], partitions: Iterable[tuple[Owed, Answered, Answered]], findings: Findings
) -> None:
    """The ledger's counts and the pairs by kind, of each partition, lane and revision. The rows may have any order."""
    ledger: Counts = Counter()
    pairs: Counts = Counter()
    for owed, answering, shadow in partitions:
        ledger.update(_ledger(owed, answering, shadow))
        pairs.update(_pairs(owed, answering, shadow))
    counted_ledger, counted_pairs = counted(rows)
    for (partition, lane, revision, kind), count in counted_ledger.items():
        if kind in IMPOSSIBLE and count:
            findings.add("residual", f"comparisons[{partition}], {lane}", f"{kind} under revision {revision}", count)
    told = Counter({place: count for place, count in counted_ledger.items() if place[3] not in IMPOSSIBLE})
    _compare("wrong_ledger", ledger, told, findings)
    _compare("wrong_pairs", pairs, counted_pairs, findings)


def counted(rows: Iterable[Mapping[str, Any]]) -> tuple[Counts, Counts]:
    """The sums of all comparison rows: the ledger, and the pairs."""
    ledger: Counts = Counter()
    pairs: Counts = Counter()
    for row in rows:
        if row["slice"] is not None:
            continue
        lane = Lane(row["version"], row["role"])
        for kind, count in row["counts"].items():
            counts = ledger if kind in OWN or kind in IMPOSSIBLE else pairs
            counts[row["source_partition"], lane, row["revision"], kind] += count
    return ledger, pairs


def _compare(finding: Any, expected: Counts, found: Counts, findings: Findings) -> None:
    for place in sorted({*expected, *found}):
        if expected[place] != found[place]:
            partition, lane, revision, kind = place
            told = f"{kind} under revision {revision}: {found[place]:,}, not {expected[place]:,}"
            findings.add(finding, f"comparisons[{partition}], {lane}", told, abs(expected[place] - found[place]))


def _ledger(owed: Owed, answering: Answered, shadow: Answered) -> Counts:
    counts: Counts = Counter()
    for lane, debt in owed.lanes.items():
        for kind, revisions in (("routed", debt.routed), ("excluded", debt.excluded)):
            values, numbers = np.unique(revisions[revisions > 0], return_counts=True)
            for revision, number in zip(values.tolist(), numbers.tolist(), strict=True):
                counts[owed.partition, lane, revision, kind] += number
        answered = answering if lane.role == "answering" else shadow
        known = answered.lanes.get(lane)
        for row in () if known is None else known.rows:
            if row is not None:
                counts[owed.partition, lane, row.revision, outcome_of(row)] += 1
                if row.outcome == "answered" and row.answered_version != row.routed_version:
                    counts[owed.partition, lane, row.revision, "reclaimed"] += 1
    return counts


def outcome_of(row: Answer) -> str:
    """As the ledger calls it."""
    return "expired" if row.outcome == "withdrawn" and row.error_kind == "expired" else row.outcome


def _pairs(owed: Owed, answering: Answered, shadow: Answered) -> Counts:
    counts: Counts = Counter()
    opinions = _opinions(owed, answering, shadow)
    for lane, debt in owed.lanes.items():
        if lane.role != "shadow":
            continue
        canaries = {stretch.plan["revision"]: stretch.plan["canary"] for stretch in owed.stretches}
        for at, revision in _routed(debt.routed):
            row = shadow.row(lane, at)
            if owed.parts.get((lane, revision)) != "mirror":
                counts[owed.partition, lane, revision, kind_of(opinions[at], row)] += 1
            elif canaries[revision] is not None:
                canary = Lane(canaries[revision]["version"], "answering")
                counts[owed.partition, canary, revision, kind_of(row, answering.row(canary, at))] += 1
    return counts


def _routed(revisions: Any) -> Iterator[tuple[int, int]]:
    places = np.flatnonzero(revisions)
    return zip(places.tolist(), revisions[places].tolist(), strict=True)


def _opinions(owed: Owed, answering: Answered, shadow: Answered) -> list[Answer | None]:
    """What production said of each record: its answer, or on a canary's share its mirror answer, if there is one."""
    opinions: list[Answer | None] = [None] * owed.size
    for answered in (answering, shadow):
        for lane, known in answered.lanes.items():
            for at, row in enumerate(known.rows):
                if row is not None and owed.parts.get((lane, row.revision)) in {"production", "mirror"}:
                    opinions[at] = row
    return opinions


def kind_of(production: Answer | None, candidate: Answer | None) -> str:
    """How a pair is counted."""
    if unpaired := _unpaired(production, candidate):
        return f"unpaired_{unpaired}"
    assert production is not None
    assert candidate is not None
    failed = (production.outcome == "failed", candidate.outcome == "failed")
    if any(failed):
        return {(True, True): "failed_both", (True, False): "failed_production"}.get(failed, "failed_candidate")
    return "matched" if production.said == candidate.said else "mismatched"


def _unpaired(production: Answer | None, candidate: Answer | None) -> str:
    """Why there is no pair of what both versions said; "" where there is one."""
    if candidate is None or outcome_of(candidate) not in TOLD:
        return "missing" if candidate is None else outcome_of(candidate)
    if candidate.answered_version != candidate.routed_version:
        return "withdrawn"
    if production is None:
        return "canary"
    if production.answered_version != production.routed_version:
        return "production_withdrawn"
    return "" if outcome_of(production) in TOLD else f"production_{outcome_of(production)}"
