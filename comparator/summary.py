"""How candidates compare with production, from the rows of the comparisons topic, for people and for reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from comparator.rows import read_row
from comparator.tally import Cell
from understudy.statistics.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from comparator.examples import Example
    from understudy.deployments.plan import Lane
    from understudy.statistics.moments import Differences

UNPAIRED = "unpaired_"
PAIRED = ("matched", "mismatched", "failed_production", "failed_candidate", "failed_both")

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "withdrawn": "the candidate was withdrawn",
        "expired": "retention removed them, or the candidate's answers",
        "missing": "the candidate never answered",
        "canary": "the canary answered, and is not mirrored by production",
        "production_withdrawn": "production was withdrawn",
        "production_expired": "retention removed production's answers",
        "production_missing": "production never answered",
        "production_unrouted": "no production lane was sent them",
    }
)
"""Why records were not compared, in words."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of the model time of single records, in nanoseconds; see `understudy.statistics.sketch.RELATIVE_ERROR`."""

    p50_ns: float
    p95_ns: float
    p99_ns: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The pairs of one lane, or of a block or slice of it.

    counts: matched, mismatched, failed_production, failed_candidate, failed_both, unpaired_<reason>; what did not
    occur is left out. fields: differences of the numeric fields. The quantiles are None without compared answers.
    """

    counts: Mapping[str, int]
    fields: Mapping[str, Differences]
    production_time: Quantiles | None
    candidate_time: Quantiles | None

    @property
    def pairs(self) -> int:
        """Records with a row on both sides."""
        return sum(self.counts.get(kind, 0) for kind in PAIRED)

    @property
    def unpaired(self) -> Mapping[str, int]:
        """Records without, by reason."""
        return {k.removeprefix(UNPAIRED): count for k, count in self.counts.items() if k.startswith(UNPAIRED)}

    @property
    def matched_share(self) -> float | None:
        """Of the pairs; failed ones do not match. None without pairs."""
        return self._share("matched")

    @property
    def mismatched_share(self) -> float | None:
        """Of the pairs; None without pairs."""
        return self._share("mismatched")

    @property
    def unpaired_told(self) -> list[str]:
        """Why records were not compared, with their number, the most frequent reason first."""
        unpaired = sorted(self.unpaired.items(), key=lambda item: -item[1])
        return [f"{count:,}: {REASONS.get(reason, reason)}" for reason, count in unpaired]

    def _share(self, kind: str) -> float | None:
        return self.counts.get(kind, 0) / self.pairs if self.pairs else None


@dataclass(frozen=True, slots=True)
class LaneSummary:
    """A shadow, or what a canary answered, beside production.

    against: the versions that it was compared with. blocks: by the start of the block of event time, in milliseconds
    since 1970, ascending. slices: by name, as in `origin=JFK`. examples: the first of each kind in each partition,
    and what the ledger calls impossible.
    """

    against: tuple[str, ...]
    whole: Comparison
    blocks: Mapping[int, Comparison]
    slices: Mapping[str, Comparison]
    examples: tuple[Example, ...]


def summarise(rows: Iterable[Mapping[str, Any]]) -> dict[Lane, LaneSummary]:
    """The summaries of decoded comparison rows, of any partitions and in any order, per lane that is compared.

    Those are shadows, and the answering lanes of versions that were a canary beside a mirror.
    """
    gathered: dict[Lane, Gathered] = {}
    for row in rows:
        group, name, cell = read_row(row)
        gathered.setdefault(group.lane, Gathered()).add(group.against, group.block_ms, name, cell)
    compared = {lane: each.summary() for lane, each in gathered.items()}
    return {lane: summary for lane, summary in compared.items() if lane.role == "shadow" or summary.whole.counts}


@dataclass(slots=True)
class Gathered:
    """The cells of one lane, merged."""

    against: set[str] = field(default_factory=set)
    whole: Cell = field(default_factory=Cell)
    blocks: dict[int, Cell] = field(default_factory=dict)
    slices: dict[str, Cell] = field(default_factory=dict)

    def add(self, against: str | None, block_ms: int | None, name: str | None, cell: Cell) -> None:
        """Take one row."""
        if against is not None:
            self.against.add(against)
        if name is not None:
            self.slices.setdefault(name, Cell()).merge(cell)
            return
        self.whole.merge(cell)
        if block_ms is not None:
            self.blocks.setdefault(block_ms, Cell()).merge(cell)

    def summary(self) -> LaneSummary:
        """All that was taken."""
        return LaneSummary(
            tuple(sorted(self.against)),
            comparison_of(self.whole),
            {block: comparison_of(self.blocks[block]) for block in sorted(self.blocks)},
            {name: comparison_of(self.slices[name]) for name in sorted(self.slices)},
            tuple(self.whole.examples),
        )


def comparison_of(cell: Cell) -> Comparison:
    """The figures of a merged cell; of the ledger's counts, those that are about pairs."""
    counts = {kind: n for kind, n in cell.counts.items() if kind in PAIRED or kind.startswith(UNPAIRED)}
    return Comparison(counts, cell.fields, quantiles(cell.production_times), quantiles(cell.candidate_times))


def quantiles(times: dict[int, int]) -> Quantiles | None:
    """The quantiles of a sketch of nanoseconds; None of an empty one."""
    sketch = Sketch(times)
    p50, p95, p99 = (sketch.quantile(share) for share in (0.5, 0.95, 0.99))
    return None if p50 is None or p95 is None or p99 is None else Quantiles(p50, p95, p99)
