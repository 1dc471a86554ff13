"""Random histories of an endpoint's releases, as its router and workers write them down for a comparator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from support.comparing import NAMES, World, answer, failure, route, withdrawn

from comparator.partition import Options
from understudy.deployments.plan import Canary, Plan
from understudy.deployments.routing import bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from understudy.deployments.plan import Assignment, Lane

VERSIONS = tuple(f"m:v{i}" for i in range(6))
FOREVER = 1 << 40


@dataclass
class Writer:
    """A lane's workers: answer what the lane was routed, in order, with planted faults.

    stops_at: as soon as so many records were answered, the lane is dead. late: it answers only at the end.
    reclaimed_to: what it was routed below this source offset is accounted for by reclaimers.
    """

    lane: Lane
    random: Random
    faults: float
    stops_at: int = FOREVER
    late: bool = False
    reclaimed_to: int = 0
    owed: list[int] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    answered: int = 0

    @property
    def can_go_on(self) -> bool:
        return bool(self.owed) and (self.answered < self.stops_at or self.owed[0] < self.reclaimed_to)

    def rows(self, most: int) -> list[dict[str, Any]]:
        if not self.can_go_on:
            return []
        taken = self.owed[:most]
        if taken[0] < self.reclaimed_to:
            taken = [at for at in taken if at < self.reclaimed_to]
        del self.owed[: len(taken)]
        if taken[0] < self.reclaimed_to and self.lane.role == "shadow":
            return [withdrawn(self.lane, taken[0], taken[-1] + 1 - taken[0])]
        self.answered += len(taken)
        return [row for at in taken for row in self._rows_for(at)]

    def _rows_for(self, at: int) -> Iterator[dict[str, Any]]:
        row = self._row(at)
        strays = [gap for gap in self.gaps if gap < at]
        self.gaps = [gap for gap in self.gaps if gap > at]
        if strays and self.random.random() < self.faults:
            yield answer(self.lane, strays[-1])
        if self.random.random() >= self.faults or not self.owed:  # what comes last is not left out: nothing shows it
            yield row
        if self.random.random() < self.faults:
            yield row

    def _row(self, at: int) -> dict[str, Any]:
        label = self.random.choice([0, 0, 0, 1])
        row = failure(self.lane, at) if self.random.random() < 0.1 else answer(self.lane, at, label=label)
        return row | {"answered_version": "m:reclaimer"} if at < self.reclaimed_to else row


class Story:
    """One random history: plans that change, lanes that die, and a comparator that is restarted at any moment."""

    def __init__(self, random: Random, *, faults: float, max_lag: int) -> None:
        self.random = random
        self.faults = faults
        self.world = World(Options(max_lag_records=max_lag, examples_per_kind=1))
        self.plan = Plan(1, VERSIONS[0], salt=random.randrange(1_000))
        self.excluded: set[Lane] = set()
        self.production: set[Lane] = set()
        self.writers: dict[Lane, Writer] = {}
        self.next_offset = 0

    def writer(self, lane: Lane) -> Writer:
        """The workers of a lane: once made, it goes on whenever its version is deployed again."""
        if lane not in self.writers:
            random = self.random
            may_die = lane.role == "shadow" or lane.version != VERSIONS[0]
            stops_at = random.choice([FOREVER, FOREVER, 0, random.randrange(20)]) if may_die else FOREVER
            late = may_die and random.random() < 0.2
            self.writers[lane] = Writer(lane, random, self.faults, stops_at=stops_at, late=late)
        return self.writers[lane]

    # What the router does

    def route(self) -> None:
        """One transaction of the router, of one or two frames."""
        rows: list[dict[str, Any]] = []
        for _ in range(self.random.randint(1, 2)):
            begin = self.next_offset
            if self.random.random() < 0.3:
                self.next_offset += 1
                for writer in self.writers.values():
                    writer.gaps.append(begin)
            offsets = range(self.next_offset, self.next_offset + self.random.randint(1, 6))
            self.next_offset = offsets[-1] + 1
            keys = [self.random.choice([None, b"a", b"b", b"c", b"d"]) for _ in offsets]
            buckets = {at: bucket(key, self.plan.salt, 0, at) for at, key in zip(offsets, keys, strict=True)}
            rows += self._frames(buckets)
        if self.random.random() < 0.5:
            rows.sort(key=lambda row: (row["version"], row["role"]))
        self.world.routes(*rows)

    def _frames(self, buckets: dict[int, int]) -> Iterator[dict[str, Any]]:
        sent = self.plan.without(frozenset(self.excluded))
        for assignment in sent:
            yield from self._rows_of(assignment, buckets, "frame")
        for assignment in self.plan.assignments():
            if assignment.lane in self.excluded and assignment.lane not in {each.lane for each in sent}:
                yield from self._rows_of(assignment, buckets, "excluded")

    def _rows_of(self, assignment: Assignment, buckets: dict[int, int], kind: str) -> Iterator[dict[str, Any]]:
        offsets = [at for at, found in buckets.items() if found in assignment.buckets]
        if offsets:
            if assignment.part in {"production", "mirror"}:
                self.production.add(assignment.lane)
            if kind == "frame":
                self.writer(assignment.lane).owed += offsets
            yield route(assignment.lane, offsets, revision=self.plan.revision, kind=kind, part=assignment.part)

    def adopt(self, plan: Plan, gone: str | None = None) -> None:
        """A change of the plan, in one transaction. gone: a version that is withdrawn."""
        revision = self.plan.revision + 1
        plan = replace(plan, revision=revision)
        closing = plan.lanes_closed_after(self.plan)
        at = [self.next_offset]
        rows = [route(plan.lanes()[0], at, revision=revision, kind="adopted", part="production")]
        rows += [route(lane, at, revision=revision, kind="end") for lane in closing]
        self.world.routes(*rows)
        for lane, writer in self.writers.items():
            if lane in closing and lane.version == gone:
                writer.reclaimed_to = self.next_offset
        self.plan = plan
        self.excluded &= set(plan.lanes())

    # What people do

    def change(self) -> None:
        """Some next step of a release."""
        self.random.choice([*self._beginnings(), *self._canary_steps(), *self._shadow_steps()])()

    def _beginnings(self) -> Iterator[Callable[[], None]]:
        """A version comes, or a candidate's topic cannot be written any more."""
        plan, random = self.plan, self.random
        free = [version for version in VERSIONS if version not in plan.versions]
        if free:
            version = random.choice(free)
            yield lambda: self.adopt(replace(plan, shadows=(*plan.shadows, version)))
            yield lambda: self.adopt(replace(plan, production=version))
            if plan.canary is None:
                yield lambda: self.adopt(replace(plan, canary=self._canary(version)))
                yield lambda: self.adopt(replace(plan, canary=self._canary(version)))
        lanes = [lane for lane in plan.lanes() if lane.version != plan.production or lane.role == "shadow"]
        if lanes:
            yield lambda: self.excluded.add(random.choice(lanes))

    def _canary_steps(self) -> Iterator[Callable[[], None]]:
        """Another share, a promotion, a rollback, and a promotion by which production is withdrawn."""
        plan, canary = self.plan, self.plan.canary
        if canary is None:
            return
        alone = replace(plan, canary=None)
        promoted = replace(plan, production=canary.version, canary=None)
        yield lambda: self.adopt(replace(plan, canary=self._canary(canary.version)))
        yield lambda: self.adopt(promoted)
        yield lambda: self.adopt(alone, canary.version)
        yield lambda: self.adopt(promoted, plan.production)

    def _shadow_steps(self) -> Iterator[Callable[[], None]]:
        """A shadow leaves, or becomes the canary or production."""
        plan = self.plan
        if not plan.shadows:
            return
        shadow = self.random.choice(plan.shadows)
        rest = replace(plan, shadows=tuple(each for each in plan.shadows if each != shadow))
        yield lambda: self.adopt(rest, shadow)
        yield lambda: self.adopt(replace(rest, production=shadow))
        if plan.canary is None:
            yield lambda: self.adopt(replace(rest, canary=self._canary(shadow)))

    def _canary(self, version: str) -> Canary:
        return Canary(version, self.random.choice([10_000, 300_000, 1_000_000]), self.random.random() < 0.7)

    # What happens

    def answer(self, writer: Writer, most: int) -> None:
        rows = writer.rows(most)
        if rows:
            self.world.answers(*rows)

    def turn(self) -> None:
        """Something."""
        random, world = self.random, self.world
        match random.randrange(20):
            case 0 | 1 | 2 | 3:
                self.route()
            case 4:
                self.change()
            case 5 | 6 | 7 | 8 | 9:
                writers = [each for each in self.writers.values() if not each.late and each.can_go_on]
                if writers:
                    self.answer(random.choice(writers), random.randint(1, 8))
            case 10 | 11 | 12:
                topic = world.topics[random.choice(NAMES)]
                topic.visible = random.randint(topic.visible, len(topic.batches))
            case 13 | 14:
                world.restart()
            case _:
                read = random.sample(NAMES, random.randint(1, 3))
                world.poll(most=random.randint(1, 4), lost=random.random() < 0.2, read=read)

    def finish(self) -> None:
        """Whoever can goes on until nothing is owed, and everything becomes visible.

        Production is never dead for good: others wait for what it says. With planted faults no lane is, for nobody
        looks at what stands behind what it owes.
        """
        for writer in self.writers.values():
            if self.faults or writer.lane in self.production:
                writer.reclaimed_to = self.next_offset
        while writers := [each for each in self.writers.values() if each.can_go_on]:
            self.answer(self.random.choice(writers), 8)
            if self.random.random() < 0.5:
                self.world.show()
                self.world.poll(most=2)
        self.world.run(most=2)
