"""The run loop on the memory log, in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, begin_at, end_of, position_of, seen, values_of
from support.memory_harness import MemoryHarness

from understudy.core.log.contract import Output, Position, SessionSpec
from understudy.core.log.errors import OutputRefused
from understudy.core.run import Advance, run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Polled, TopicPartition
    from understudy.core.log.memory import Fate
    from understudy.core.log.memory.session import MemorySession

SENT = [f"{i:02}" for i in range(20)]


@dataclass
class Copy:
    """Copies what it reads, at most one batch of a partition at a time; the rest stays in its state."""

    target: str
    held: dict[TopicPartition, list[Batch]] = field(default_factory=dict)
    polls: list[Polled] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def advance(self, polled: Polled, now_s: float) -> Advance:
        self.polls.append(polled)
        self.times_s.append(now_s)
        for partition in polled.revoked:
            del self.held[partition]
        self.held.update({partition: [] for partition in polled.assigned})
        for partition, batches in polled.batches.items():
            self.held[partition].extend(batches)
        ready = {partition: batches.pop(0) for partition, batches in self.held.items() if batches}
        return Advance(
            [Output(self.target, partition.partition, each) for partition, each in ready.items()],
            {partition: Position(each.next_offset, "copied") for partition, each in ready.items()},
            wake_s=0.0 if any(self.held.values()) else None,
        )


@dataclass
class Scripted:
    """Answers with what it was given, then with nothing; remembers what came."""

    advances: list[Advance]
    polls: list[Polled] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    def advance(self, polled: Polled, now_s: float) -> Advance:
        self.polls.append(polled)
        self.times_s.append(now_s)
        return self.advances.pop(0) if self.advances else Advance()


@pytest.fixture
def harness() -> MemoryHarness:
    return MemoryHarness()


@pytest.fixture
def session(harness: MemoryHarness) -> MemorySession:
    topic = harness.create_topic("input")
    harness.create_topic("output")
    begin_at(harness, "group", {at(topic): Position(0)})
    return harness.session(SessionSpec("group", (topic,), "group.a"))


def drive(harness: MemoryHarness, session: MemorySession, step: Copy | Scripted, rounds: int, **options: float) -> None:
    """Run until the step was called so often."""
    run(
        session,
        step,
        stopped=lambda: len(step.polls) >= rounds,
        clock=harness.clock.now_s,
        pause=harness.clock.advance,
        **options,
    )


def feed(harness: MemoryHarness, values: Sequence[str] = SENT) -> None:
    for value in values:
        harness.append("input", 0, batch(value))


def waits_s(step: Copy | Scripted) -> list[float]:
    return [round(later - earlier, 3) for earlier, later in zip(step.times_s, step.times_s[1:], strict=False)]


def test_each_record_is_copied_once_with_its_position_and_note(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)

    drive(harness, session, Copy("output"), rounds=30)

    assert seen(harness, "output") == SENT
    assert position_of(harness, "group", at("input")) == Position(20, "copied")


@pytest.mark.parametrize("fate", ["lost before", "lost after", "evicted"])
def test_after_a_lost_commit_the_step_is_rebuilt_and_nothing_is_doubled(
    harness: MemoryHarness, session: MemorySession, fate: Fate
) -> None:
    feed(harness)
    harness.log.faults.befall("commits", "commits", fate)
    step = Copy("output")

    drive(harness, session, step, rounds=40)

    assert seen(harness, "output") == SENT
    done = 3 if fate == "lost after" else 2
    assert [polled.assigned for polled in step.polls if polled.assigned] == [
        {at("input"): Position(0)},
        {at("input"): Position(done, "copied")},
    ]


def test_an_advance_of_nothing_writes_nothing(harness: MemoryHarness, session: MemorySession) -> None:
    drive(harness, session, Scripted([]), rounds=5)

    assert end_of(harness, at("output")) == 0
    assert position_of(harness, "group", at("input")) == Position(0)


def test_positions_alone_are_committed(harness: MemoryHarness, session: MemorySession) -> None:
    drive(harness, session, Scripted([Advance(positions={at("input"): Position(0, "adopted")})]), rounds=2)

    assert position_of(harness, "group", at("input")) == Position(0, "adopted")


def test_outputs_alone_are_committed(harness: MemoryHarness, session: MemorySession) -> None:
    drive(harness, session, Scripted([Advance([Output("output", 0, batch("a0"))])]), rounds=2)

    assert seen(harness, "output") == ["a0"]
    assert position_of(harness, "group", at("input")) == Position(0)


def test_transactions_begin_an_interval_apart(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)
    step = Copy("output")

    drive(harness, session, step, rounds=10, interval_s=0.25)

    assert waits_s(step) == [0.25] * 9


def test_without_an_interval_nothing_is_waited_for(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)
    step = Copy("output")

    drive(harness, session, step, rounds=10, interval_s=0.0)

    assert waits_s(step) == [0.0] * 9


def test_an_idle_poll_waits_for_the_idle_time(harness: MemoryHarness, session: MemorySession) -> None:
    step = Scripted([])

    drive(harness, session, step, rounds=4, idle_s=0.5, interval_s=0.0)

    assert waits_s(step) == [0.5] * 3


def test_a_step_may_wake_earlier_but_not_later(harness: MemoryHarness, session: MemorySession) -> None:
    step = Scripted([Advance(wake_s=0.1), Advance(wake_s=9.0)])

    drive(harness, session, step, rounds=3, idle_s=0.5, interval_s=0.0)

    assert waits_s(step) == [0.1, 0.5]


def test_paused_and_reread_partitions_are_handed_to_the_next_poll(
    harness: MemoryHarness, session: MemorySession
) -> None:
    feed(harness, ["00", "01"])
    step = Scripted([Advance(paused=frozenset({at("input")}), reread={at("input"): 1})])

    def on_second_poll() -> bool:
        if len(step.polls) == 1:
            feed(harness, ["02"])
        return len(step.polls) >= 3

    loop(harness, session, step, on_second_poll)

    assert [values(polled.batches) for polled in step.polls] == [["00", "01"], [], ["02"]]
    assert [values(polled.reread) for polled in step.polls] == [[], ["01"], []]


def test_what_a_step_asked_for_is_dropped_with_a_lost_commit(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness, ["00", "01"])
    harness.log.faults.befall("lost before")
    asked = Advance(
        positions={at("input"): Position(2)}, paused=frozenset({at("input")}), reread={at("input"): 0}, wake_s=0.0
    )
    step = Scripted([asked])

    drive(harness, session, step, rounds=2)

    assert values(step.polls[1].batches) == ["00", "01"]
    assert step.polls[1].reread == {}
    assert step.polls[1].assigned == {at("input"): Position(0)}


def test_a_loop_that_is_stopped_does_nothing(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)
    step = Copy("output")

    loop(harness, session, step, lambda: True)

    assert step.polls == []


def test_errors_of_the_step_reach_the_caller(harness: MemoryHarness, session: MemorySession) -> None:
    class Broken:
        def advance(self, polled: Polled, now_s: float) -> Advance:
            raise ZeroDivisionError(len(polled.batches), now_s)

    with pytest.raises(ZeroDivisionError):
        run(session, Broken(), stopped=lambda: False, clock=harness.clock.now_s, pause=harness.clock.advance)


@dataclass
class Sparing:
    """Copies to two topics until one refuses; does without that one if it is `spared`."""

    spared: str
    copy: Copy = field(default_factory=lambda: Copy("output"))
    refused: list[str] = field(default_factory=list)

    @property
    def polls(self) -> list[Polled]:
        return self.copy.polls

    def advance(self, polled: Polled, now_s: float) -> Advance:
        advance = self.copy.advance(polled, now_s)
        second = [] if self.refused else [Output("missing", each.partition, each.batch) for each in advance.outputs]
        return replace(advance, outputs=[*advance.outputs, *second])

    def refuse(self, error: OutputRefused) -> bool:
        self.refused.append(error.topic)
        return error.topic == self.spared


def test_a_step_may_go_on_without_a_topic_that_refuses(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)
    step = Sparing(spared="missing")

    loop(harness, session, step, lambda: len(step.polls) >= 30)

    assert seen(harness, "output") == SENT
    assert step.refused == ["missing"]


def test_a_topic_that_a_step_cannot_spare_is_an_error(harness: MemoryHarness, session: MemorySession) -> None:
    feed(harness)
    step = Sparing(spared="another")

    with pytest.raises(OutputRefused, match="missing"):
        loop(harness, session, step, lambda: len(step.polls) >= 30)
    with pytest.raises(OutputRefused, match="missing"):
        loop(harness, session, Copy("missing"), lambda: False)

    assert seen(harness, "output") == []


def loop(
    harness: MemoryHarness, session: MemorySession, step: Copy | Scripted | Sparing, stopped: Callable[[], bool]
) -> None:
    run(session, step, stopped=stopped, clock=harness.clock.now_s, pause=harness.clock.advance)


def values(batches: Mapping[TopicPartition, Sequence[Batch]]) -> list[str]:
    return [value for each in batches.values() for value in values_of(each)]
