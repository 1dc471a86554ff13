"""Adds up comparison rows as they come: the sum over all rows is the state of knowledge. Pure."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from comparator.ledger import COUNTS, LaneLedger
from comparator.rows import read_row
from comparator.summary import comparison_of
from comparator.tally import Cell
from understudy.app.status.facts import Lane, Times
from understudy.deployments import plan as planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from comparator.summary import Comparison
    from understudy.deployments.plan import Role


@dataclass(slots=True)
class Counting:
    """All lanes that rows told of."""

    counts: dict[planned.Lane, Counter[str]] = field(default_factory=dict)
    compared: dict[planned.Lane, Cell] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Take a decoded comparison row. Those of a slice repeat what others count."""
        if row["slice"] is not None:
            return
        group, _, cell = read_row(row)
        self.counts.setdefault(group.lane, Counter()).update(cell.counts)
        self.compared.setdefault(group.lane, Cell()).merge(cell)

    def lane(self, version: str, role: Role, latest_error: str | None = None) -> Lane:
        """What is known of a lane. latest_error: where it is None, an example stands for it."""
        lane = planned.Lane(version, role)
        latest_error = latest_error or next(self._errors_shown(lane), None)
        counts = self.counts.get(lane, Counter[str]())
        ledger = LaneLedger(**{name: counts[name] for name in COUNTS})
        if role == "answering":
            return Lane(version, role, ledger, None, self._production_times(), latest_error)
        comparison = self._comparison(lane)
        time = None if comparison is None else comparison.candidate_time
        return Lane(version, role, ledger, comparison, Times.of(time), latest_error)

    def others(self, known: Sequence[tuple[str, Role]]) -> list[tuple[str, Role]]:
        """Lanes that are not among those known: of earlier plans."""
        return [(lane.version, lane.role) for lane in self.counts if (lane.version, lane.role) not in known]

    def _errors_shown(self, lane: planned.Lane) -> Iterator[str]:
        """The lane's errors among the examples, which stand beside its own answers or, production's, beside others'."""
        shadow = lane.role == "shadow"
        cells = [self.compared.get(lane, Cell())] if shadow else self.compared.values()
        for cell in cells:
            for example in reversed(cell.examples):
                told = json.loads((example.candidate if shadow else example.production) or "{}")
                if told.get("error_kind"):
                    yield f"{told['error_kind']}: {told.get('error')}"

    def _comparison(self, lane: planned.Lane) -> Comparison | None:
        comparison = comparison_of(self.compared.get(lane, Cell()))
        return comparison if comparison.counts else None

    def _production_times(self) -> Times:
        """Production's, as they stand beside one shadow's: every shadow's rows repeat them."""
        beside = (comparison_of(cell).production_time for cell in self.compared.values())
        return Times.of(next((time for time in beside if time is not None), None))
