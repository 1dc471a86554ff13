"""What one partition has counted since the last commit: additive, so that rows of all commits add up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from comparator.examples import Example, ExamplesTaken, example_of
from comparator.judging import Judgement, Tolerances, judge
from understudy.statistics.moments import Differences
from understudy.statistics.sketch import Sketch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from comparator.answers import Answer
    from understudy.deployments.plan import Lane

COMPARED = frozenset({"matched", "mismatched"})
"""Kinds of pairs with an answer on both sides: of these there are differences and model times."""


class Group(NamedTuple):
    """What a lane's records are counted by.

    against: the version that answered, None where none did and for the ledger. block_ms: the start of the block of
    event time; None for the ledger, and for records of which nothing is left that tells their time.
    """

    lane: Lane
    against: str | None
    revision: int
    block_ms: int | None


@dataclass(slots=True)
class Cell:
    """The statistics of one group, or of one slice of it."""

    counts: dict[str, int] = field(default_factory=dict)
    fields: dict[str, Differences] = field(default_factory=dict)
    production_times: dict[int, int] = field(default_factory=dict)
    candidate_times: dict[int, int] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)

    def count(self, kind: str, number: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + number

    def merge(self, other: Cell) -> None:
        """Take all that another one has counted."""
        for kind, number in other.counts.items():
            self.count(kind, number)
        for name, differences in other.fields.items():
            self.fields.setdefault(name, Differences()).merge(differences)
        Sketch(self.production_times).merge(other.production_times)
        Sketch(self.candidate_times).merge(other.candidate_times)
        self.examples += other.examples

    def pair(self, judgement: Judgement, production: Answer, candidate: Answer) -> None:
        """Count a pair."""
        kind = judgement.kind
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if kind not in COMPARED:
            return
        times, time = self.production_times, production.model_time
        times[time] = times.get(time, 0) + 1
        times, time = self.candidate_times, candidate.model_time
        times[time] = times.get(time, 0) + 1
        for name, difference, mismatched in judgement.differences:
            differences = self.fields.get(name)
            if differences is None:
                differences = self.fields[name] = Differences()
            differences.add(difference, mismatched=mismatched)


Cells = dict[str | None, Cell]
"""The cells of a group by the slice's name; None is the whole group."""


@dataclass(slots=True)
class Tally:
    """Counts what became of records, and how pairs compare."""

    block_ms: int
    tolerances: Tolerances
    taken: ExamplesTaken
    groups: dict[Group, Cells] = field(default_factory=dict)
    _last: tuple[Lane, str | None, int, int | None] | None = None
    _last_cells: Cells = field(default_factory=dict)
    _last_ledger: tuple[Lane, int] | None = None
    _last_ledger_cell: Cell = field(default_factory=Cell)

    def ledger(self, lane: Lane, revision: int, kind: str, number: int = 1) -> None:
        """Count records of a lane by what became of them."""
        self._ledger_cell(lane, revision).count(kind, number)

    def fact(self, lane: Lane, answer: Answer, kind: str) -> None:
        """Count what should be impossible, with an example."""
        cell = self._ledger_cell(lane, answer.revision)
        cell.count(kind)
        if self.taken.take(lane, kind):
            cell.examples.append(example_of(kind, None, answer))

    def pair(self, lane: Lane, revision: int, production: Answer, candidate: Answer) -> None:
        """Count a record of a shadow lane beside production's answer to it."""
        judgement = judge(production, candidate, self.tolerances)
        time_ms = production.event_time_ms if candidate.event_time_ms is None else candidate.event_time_ms
        block_ms = None if time_ms is None else time_ms - time_ms % self.block_ms
        cells = self._cells(lane, production.version or None, revision, block_ms)
        whole = self._cell(cells, None)
        whole.pair(judgement, production, candidate)
        for name in production.slices or candidate.slices:
            self._cell(cells, name).pair(judgement, production, candidate)
        if judgement.kind != "matched" and self.taken.take(lane, judgement.kind):
            whole.examples.append(example_of(judgement.kind, production, candidate))

    def _ledger_cell(self, lane: Lane, revision: int) -> Cell:
        wanted = (lane, revision)
        if wanted != self._last_ledger:
            cells = self.groups.setdefault(Group(lane, None, revision, None), {})
            self._last_ledger, self._last_ledger_cell = wanted, self._cell(cells, None)
        return self._last_ledger_cell

    def _cells(self, lane: Lane, against: str | None, revision: int, block_ms: int | None) -> Cells:
        wanted = (lane, against, revision, block_ms)
        if wanted != self._last:
            self._last, self._last_cells = wanted, self.groups.setdefault(Group(*wanted), {})
        return self._last_cells

    @staticmethod
    def _cell(cells: Cells, name: str | None) -> Cell:
        cell = cells.get(name)
        if cell is None:
            cell = cells[name] = Cell()
        return cell

    def __iter__(self) -> Iterator[tuple[Group, str | None, Cell]]:
        """All that was counted."""
        for group, cells in self.groups.items():
            for name, cell in cells.items():
                yield group, name, cell

    def __len__(self) -> int:
        return sum(len(cells) for cells in self.groups.values())

    def clear(self) -> None:
        """Begin anew, after what was counted has been written; the examples taken stay."""
        self.groups.clear()
        self._last = self._last_ledger = None
