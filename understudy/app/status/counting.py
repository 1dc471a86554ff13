"""Adds up comparison rows as they come: the sum over all rows is the state of knowledge. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from comparator.ledger import COUNTS, LaneLedger
from comparator.rows import read_row
from comparator.summary import comparison_of, quantiles
from comparator.tally import Cell
from understudy.app.status.facts import Lane, Times
from understudy.deployments import plan as planned
from understudy.statistics.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from comparator.summary import Comparison
    from understudy.deployments.plan import Role


@dataclass(slots=True)
class Counting:
    """All lanes that rows told of. beside: what rows told of the version that others were compared with."""

    counts: dict[planned.Lane, Counter[str]] = field(default_factory=dict)
    compared: dict[planned.Lane, Cell] = field(default_factory=dict)
    beside: dict[str, Cell] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a decoded comparison row. Those of a slice repeat what others count."""
        if row["slice"] is not None:
            return
        group, _, cell = read_row(row)
        self.counts.setdefault(group.lane, Counter()).update(cell.counts)
        self.compared.setdefault(group.lane, Cell()).merge(cell)
        if group.against is not None:
            told = Cell(production_times=cell.production_times, examples=cell.examples)
            self.beside.setdefault(group.against, Cell()).merge(told)

    def lane(self, version: str, role: Role, latest_error: str | None = None) -> Lane:
        """What is known of a lane. latest_error: where it is None, an example stands for it."""
        lane = planned.Lane(version, role)
        latest_error = latest_error or next(self._errors_shown(lane), None)
        counts = self.counts.get(lane, Counter[str]())
        ledger = LaneLedger(**{name: counts[name] for name in COUNTS})
        return Lane(version, role, ledger, self._comparison(lane), self._times(lane), latest_error)

    def others(self, known: Sequence[tuple[str, Role]]) -> list[tuple[str, Role]]:
        """Lanes that are not among those known: of earlier plans."""
        return [(lane.version, lane.role) for lane in self.counts if (lane.version, lane.role) not in known]

    def _errors_shown(self, lane: planned.Lane) -> Iterator[str]:
        """The lane's errors among the examples: of its own comparison, or of those with its version."""
        own = [example.candidate for example in self._compared(lane).examples]
        production = [example.production for example in self._beside(lane).examples]
        for example in reversed([*production, *own]):
            told = json.loads(example or "{}")
            if told.get("error_kind"):
                yield f"{told['error_kind']}: {told.get('error')}"

    def _comparison(self, lane: planned.Lane) -> Comparison | None:
        comparison = comparison_of(self._compared(lane))
        return comparison if comparison.counts else None

    def _times(self, lane: planned.Lane) -> Times:
        """Of its model, as candidate and as production; the latter is repeated by every candidate, which is no harm."""
        times = Sketch(dict(self._compared(lane).candidate_times))
        times.merge(self._beside(lane).production_times)
        return Times.of(quantiles(times.buckets))

    def _compared(self, lane: planned.Lane) -> Cell:
        return self.compared.get(lane, Cell())

    def _beside(self, lane: planned.Lane) -> Cell:
        return self.beside.get(lane.version, Cell()) if lane.role == "answering" else Cell()
