"""Any interleaving of visibility, lost commits, restarts, dead and lagging lanes counts what a simple join counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.comparing import NAMES, PRODUCTION, World, answer, counts_of, failure, route, shadow, withdrawn
from support.comparison_model import expected

from comparator.ledger import ledger
from comparator.partition import Options
from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = Lane("m:canary", "answering")


@dataclass
class Writer:
    """A lane's workers: answer what the lane was routed, in order, with planted faults.

    stops_at: as soon as so many records were answered, the lane is dead. late: it answers only at the end.
    """

    lane: Lane
    random: Random
    faults: float
    stops_at: float = float("inf")
    late: bool = False
    withdraws: bool = False
    owed: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    answered: int = 0

    def rows(self, most: int) -> list[dict[str, Any]]:
        most = min(most, len(self.owed)) if self.answered < self.stops_at else 0
        taken, self.owed = self.owed[:most], self.owed[most:]
        self.answered += most
        if self.withdraws and taken and self.random.random() < 0.3:
            return [withdrawn(self.lane, taken[0], taken[-1] + 1 - taken[0])]
        return [row for at in taken for row in self._rows_for(at)]

    def _rows_for(self, at: int) -> Iterator[dict[str, Any]]:
        row = (
            failure(self.lane, at)
            if self.random.random() < 0.1
            else answer(self.lane, at, label=self.random.choice([0, 0, 0, 1]))
        )
        strays = [gap for gap in self.gaps if gap < at]
        self.gaps = [gap for gap in self.gaps if gap > at]
        if strays and self.random.random() < self.faults:
            yield answer(self.lane, strays[-1])
        if self.random.random() >= self.faults or not self.owed:  # what comes last is not left out: nothing shows it
            yield row
        if self.random.random() < self.faults:
            yield row


class Story:
    """One random history of an endpoint."""

    def __init__(self, seed: int, *, faults: float, max_lag: int) -> None:
        self.random = random = Random(seed)
        self.world = World(Options(max_lag_records=max_lag, examples_per_kind=1))
        self.answering = [Writer(PRODUCTION, random, faults)]
        if random.random() < 0.3:
            self.answering.append(Writer(CANARY, random, faults))
        self.shadows = [
            Writer(
                shadow(f"s{i}"),
                random,
                faults,
                stops_at=random.choice([float("inf"), float("inf"), 0, random.randrange(20)]),
                late=random.random() < 0.3,
                withdraws=random.random() < 0.2,
            )
            for i in range(random.randint(0, 3))
        ]
        self.next_offset = 0

    @property
    def writers(self) -> list[Writer]:
        return [*self.answering, *self.shadows]

    def route(self) -> None:
        """One transaction of the router, of one or two frames."""
        rows = []
        for _ in range(self.random.randint(1, 2)):
            begin = self.next_offset
            if self.random.random() < 0.3:
                self.next_offset += 1
                for writer in self.writers:
                    writer.gaps.append(begin)
            offsets = range(self.next_offset, self.next_offset + self.random.randint(1, 6))
            self.next_offset = offsets[-1] + 1
            rows += list(self._frames(offsets))
        rows.sort(key=lambda row: [writer.lane.version for writer in self.writers].index(row["version"]))
        self.world.routes(*rows)

    def _frames(self, offsets: range) -> Iterator[dict[str, Any]]:
        owners = [self.random.choice(self.answering) for _ in offsets]
        for writer in self.writers:
            own = [at for at, owner in zip(offsets, owners, strict=True) if owner is writer]
            sent = own if writer.lane.role == "answering" else list(offsets)
            writer.owed += sent
            if sent:
                yield route(writer.lane, sent)

    def answer(self, writer: Writer, most: int) -> None:
        rows = writer.rows(most)
        if rows:
            self.world.answers(*rows)

    def turn(self) -> None:
        """Something happens."""
        random, world = self.random, self.world
        match random.randrange(10):
            case 0 | 1:
                self.route()
            case 2 | 3 | 4:
                writer = random.choice(self.writers)
                if not writer.late:
                    self.answer(writer, random.randint(1, 8))
            case 5 | 6:
                topic = world.topics[random.choice(NAMES)]
                topic.visible = random.randint(topic.visible, len(topic.batches))
            case 7:
                world.restart()
            case _:
                read = random.sample(NAMES, random.randint(1, 3))
                world.poll(most=random.randint(1, 4), lost=random.random() < 0.2, read=read)

    def finish(self) -> None:
        for _ in range(1_000):
            if not any(writer.owed for writer in self.writers if writer.answered < writer.stops_at):
                break
            self.answer(self.random.choice(self.writers), 8)
            if self.random.random() < 0.5:
                self.world.show()
                self.world.poll(most=2)
        self.world.run(most=2)


@pytest.mark.parametrize("max_lag", [2, 12, 1_000])
@given(st.integers(0, 2**32), st.integers(10, 200))
@settings(max_examples=40, deadline=None)
def test_counts_are_those_of_a_simple_join(max_lag: int, seed: int, turns: int) -> None:
    story = Story(seed, faults=0.0, max_lag=max_lag)
    for _ in range(turns):
        story.turn()
    story.finish()

    assert {lane: counts_of(story.world.rows, lane) for lane in expected(story.world)} == expected(story.world)
    assert ledger(story.world.rows).residual == 0


@pytest.mark.parametrize("max_lag", [2, 12, 1_000])
@given(st.integers(0, 2**32), st.integers(10, 200))
@settings(max_examples=40, deadline=None)
def test_missing_doubled_and_stray_answers_are_counted_as_such(max_lag: int, seed: int, turns: int) -> None:
    story = Story(seed, faults=0.1, max_lag=max_lag)
    for _ in range(turns):
        story.turn()
    story.finish()

    assert {lane: counts_of(story.world.rows, lane) for lane in expected(story.world)} == expected(story.world)
