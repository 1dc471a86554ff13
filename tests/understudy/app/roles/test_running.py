from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from schemas.errors import SchemaUnavailable
from understudy.app.roles.probes import Health
from understudy.app.roles.running import NO_PARTITIONS, Role, log_answers, patiently, run_role, stop_on_signals
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, Position, SessionSpec, TopicPartition
from understudy.core.log.errors import LogUnavailable, MissingPosition, UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.core.run import Advance
from understudy.models.errors import ModelStoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Admin, Log, Polled, Session

AT = TopicPartition("in", 0)
SPEC = SessionSpec("group", ("in",), "group.slot")


@dataclass
class PassiveStep:
    """Takes what comes, moves the position, and stops the role after one batch."""

    stop: threading.Event
    seen: list[bytes | None] = field(default_factory=list)

    def advance(self, polled: Polled, now_s: float) -> Advance:
        del now_s
        batches = polled.batches.get(AT, ())
        self.seen += [value for batch in batches for value in batch.columns.values]
        if not batches:
            return Advance()
        self.stop.set()
        return Advance(positions={AT: Position(batches[-1].next_offset)})


@dataclass
class RefusingStep:
    """Cannot take any batch."""

    error: Exception

    def advance(self, polled: Polled, now_s: float) -> Advance:
        del now_s
        if polled.batches:
            raise self.error
        return Advance()


@dataclass
class Waits:
    """A stop whose waits are counted and cost no time."""

    waited_s: list[float] = field(default_factory=list)
    stop_after: int = 1_000

    def is_set(self) -> bool:
        return len(self.waited_s) >= self.stop_after

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout or 0)
        return self.is_set()


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic("in", 1)])
    log.append(AT, build([Record(None, b"event", 0)]))
    return log


def start_at_0(log: MemoryLog) -> None:
    with log.admin() as admin:
        admin.set_positions("group", {AT: Position(0)})


def no_word(outage: Exception, again_in_s: float) -> None:
    """Nobody is told."""


def failing(times: int, error: Exception) -> Callable[[], str]:
    failures = [error] * times

    def attempt() -> str:
        if failures:
            raise failures.pop()
        return "there"

    return attempt


def test_a_role_runs_until_it_is_told_to_stop_and_leaves_its_group(log: MemoryLog) -> None:
    start_at_0(log)
    stop = threading.Event()
    step = PassiveStep(stop)

    run_role(Role(SPEC, lambda: step, interval_s=0), log, stop)

    assert step.seen == [b"event"]
    with log.admin() as admin:
        assert admin.positions("group") == {AT: Position(1)}
        assert admin.members("group") == []


def test_a_role_that_is_told_to_stop_before_it_has_what_it_needs_ends(log: MemoryLog) -> None:
    def never() -> PassiveStep:
        raise ModelStoreUnavailable("the registry is not there")

    run_role(Role(SPEC, never, interval_s=0), log, Waits(stop_after=1))


def test_an_outage_on_the_way_starts_over_from_the_committed_position(log: MemoryLog) -> None:
    start_at_0(log)
    stop = threading.Event()
    step = PassiveStep(stop)
    steps: list[PassiveStep | RefusingStep] = [step, RefusingStep(SchemaUnavailable("the registry does not answer"))]

    run_role(Role(SPEC, steps.pop, interval_s=0), log, stop)

    assert step.seen == [b"event"]
    assert steps == []


def test_what_is_no_outage_ends_the_role(log: MemoryLog) -> None:
    stop = threading.Event()

    with pytest.raises(MissingPosition):
        run_role(Role(SPEC, lambda: PassiveStep(stop), interval_s=0), log, stop)

    with log.admin() as admin:
        assert admin.members("group") == []


def test_a_role_whose_output_does_not_exist_takes_no_event(log: MemoryLog) -> None:
    start_at_0(log)
    step = PassiveStep(threading.Event())

    with pytest.raises(UnknownTopic, match=r"^out: no such topic\. Run understudy topics\.$"):
        run_role(Role(SPEC, lambda: step, interval_s=0, outputs=("out",)), log, threading.Event())

    assert step.seen == []


def test_an_outage_is_waited_out_longer_each_time() -> None:
    waits = Waits()

    assert patiently(failing(3, LogUnavailable("no broker answers")), waits, no_word, 60) == "there"

    assert waits.waited_s == [0.5, 1, 2]


def test_an_outage_that_outlasts_the_patience_is_told() -> None:
    with pytest.raises(LogUnavailable, match="no broker answers"):
        patiently(failing(1_000, LogUnavailable("no broker answers")), Waits(), no_word, 0.1)


def test_a_stop_cuts_the_waiting_short() -> None:
    assert patiently(failing(1_000, LogUnavailable("no")), Waits(stop_after=2), no_word, 60) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_and_the_handlers_are_put_back(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with stop_on_signals() as stop:
        os.kill(os.getpid(), number)
        assert stop.wait(5)

    assert signal.getsignal(number) is before


def test_a_role_that_is_over_finishes_its_transaction_and_ends_by_itself(log: MemoryLog) -> None:
    start_at_0(log)
    done = threading.Event()
    step = PassiveStep(done)
    over = Role(SPEC, lambda: step, interval_s=0, over=lambda: "its version is withdrawn" if done.is_set() else "")

    run_role(over, log, threading.Event())

    with log.admin() as admin:
        assert admin.positions("group") == {AT: Position(1)}
        assert admin.members("group") == []


def test_a_role_that_is_over_before_it_began_is_not_even_made(log: MemoryLog) -> None:
    def never() -> PassiveStep:
        raise AssertionError

    run_role(Role(SPEC, never, interval_s=0, over=lambda: "withdrawn"), log, threading.Event())


@dataclass
class LookingStep:
    """Notes what its role's health is in each advance, and stops the role at the second."""

    stop: threading.Event
    health: Health
    seen: list[str] = field(default_factory=list)

    def advance(self, polled: Polled, now_s: float) -> Advance:
        del polled, now_s
        self.seen.append(self.health.unready())
        if len(self.seen) == 2:
            self.stop.set()
        return Advance()


def test_a_role_is_ready_once_it_has_partitions(log: MemoryLog) -> None:
    start_at_0(log)
    stop, health = threading.Event(), Health()
    step = LookingStep(stop, health)

    run_role(Role(SPEC, lambda: step, interval_s=0), log, stop, health=health)

    assert step.seen == [NO_PARTITIONS, ""]


@dataclass
class ScriptedStep:
    """Notes what its role's health is in each advance, does then what stands there, and stops the role in the end."""

    stop: threading.Event
    health: Health
    script: list[Callable[[], None]]
    seen: list[str] = field(default_factory=list)
    waits_for: str = ""

    def advance(self, polled: Polled, now_s: float) -> Advance:
        del now_s
        self.script[len(self.seen)]()
        self.seen.append(self.health.unready())
        if len(self.seen) == len(self.script):
            self.stop.set()
        batches = polled.batches.get(AT, ())
        return Advance(positions={AT: Position(batches[-1].next_offset)} if batches else {})


def nothing() -> None:
    """A turn in which nothing happens."""


def test_a_role_whose_partitions_others_have_is_not_ready(log: MemoryLog) -> None:
    start_at_0(log)
    stop, health, others = threading.Event(), Health(), cast("list[Session]", [])

    def another_joins() -> None:
        others.append(log.session(SessionSpec("group", ("in",), "group.a")))

    def another_leaves() -> None:
        others[0].close()

    step = ScriptedStep(stop, health, [nothing, another_joins, nothing, another_leaves, nothing, nothing])
    run_role(Role(SPEC, lambda: step, interval_s=0), log, stop, health=health)

    assert step.seen == [NO_PARTITIONS, "", "", NO_PARTITIONS, NO_PARTITIONS, ""]


def test_a_role_whose_transaction_was_lost_is_not_ready_until_it_has_its_positions_again(log: MemoryLog) -> None:
    start_at_0(log)
    log.faults.befall("lost before")
    stop, health = threading.Event(), Health()

    step = ScriptedStep(stop, health, [nothing, nothing, nothing])
    run_role(Role(SPEC, lambda: step, interval_s=0), log, stop, health=health)

    assert step.seen == [NO_PARTITIONS, NO_PARTITIONS, ""]


def test_a_role_whose_step_cannot_go_on_is_not_ready(log: MemoryLog) -> None:
    start_at_0(log)
    stop, health = threading.Event(), Health()

    def an_outage_begins() -> None:
        step.waits_for = "the schema registry does not answer"

    def it_ends() -> None:
        step.waits_for = ""

    step = ScriptedStep(stop, health, [nothing, an_outage_begins, nothing, it_ends, nothing])
    run_role(Role(SPEC, lambda: step, interval_s=0), log, stop, health=health)

    out = "the schema registry does not answer"
    assert step.seen == [NO_PARTITIONS, "", out, out, ""]


def test_a_role_is_healthy_however_long_its_model_loads(log: MemoryLog) -> None:
    start_at_0(log)
    now_s = [0.0]
    stop, health = threading.Event(), Health(stale_s=30, clock=lambda: now_s[0])
    step = LookingStep(stop, health)
    while_loading: list[str] = []

    def load() -> LookingStep:
        now_s[0] += 1_000
        while_loading.append(health.unhealthy())
        return step

    run_role(Role(SPEC, load, interval_s=0), log, stop, health=health)

    assert while_loading == [""]
    assert step.seen == [NO_PARTITIONS, ""]
    now_s[0] += 31
    assert health.unhealthy() == "the loop has not come round for 31 s"


def test_a_role_in_an_outage_is_alive_and_not_ready() -> None:
    clock = [0.0]
    health = Health(stale_s=30, clock=lambda: clock[0])

    class Slow(Waits):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += 20
            return super().wait(timeout)

    def never() -> PassiveStep:
        raise ModelStoreUnavailable("the registry is not there")

    run_role(Role(SPEC, never, interval_s=0), MemoryLog(), Slow(stop_after=4), health=health)

    assert health.unhealthy() == ""
    assert health.unready() == "the registry is not there"


@dataclass
class LateLog:
    """A log that answers the third time it is asked; it can do nothing else."""

    log: MemoryLog = field(default_factory=MemoryLog)
    asked: int = 0

    def admin(self) -> Admin:
        self.asked += 1
        if self.asked < 3:
            raise LogUnavailable("no broker answers")
        return self.log.admin()


def test_a_log_that_does_not_answer_yet_is_waited_for_and_probes_are_told() -> None:
    late, waits, health = LateLog(), Waits(), Health()

    assert log_answers(cast("Log", late), waits, health)

    assert late.asked == 3
    assert health.unready() == "no broker answers"


def test_who_waits_for_a_log_is_alive() -> None:
    now_s = [0.0]
    health = Health(stale_s=30, clock=lambda: now_s[0])

    class Slow(Waits):
        def wait(self, timeout: float | None = None) -> bool:
            now_s[0] += 20
            return super().wait(timeout)

    assert log_answers(cast("Log", LateLog()), Slow(), health)

    assert health.unhealthy() == ""


def test_who_waits_for_a_log_can_be_stopped() -> None:
    stop = threading.Event()
    stop.set()

    assert not log_answers(cast("Log", LateLog()), stop, Health())
