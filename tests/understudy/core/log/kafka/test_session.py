from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.driving import Driver, at, batch, begin_at, position_of, seen
from support.kafka_harness import KafkaHarness, wait_until

from understudy.app.brokers.local import running_broker, start, stop
from understudy.core.log.contract import Output, Position, SessionSpec
from understudy.core.log.errors import (
    Fenced,
    LogError,
    LogUnavailable,
    MissingPosition,
    PositionExpired,
    TopicRecreated,
    UnknownTopic,
)
from understudy.core.log.kafka import KafkaLog

pytestmark = pytest.mark.kafka

COPIER = Path(__file__).parents[4] / "support" / "kafka_copier.py"
PHASES = ("polled", "begun", "produced", "positioned", "ending", "ended")


def start_copier(
    kafka: KafkaHarness, source: str, target: str, phase: str, nth: int, until: int
) -> subprocess.Popen[bytes]:
    """Copy in a process of its own, which kills itself at the phase."""
    slot = kafka.name("group.a")
    arguments = (kafka._bootstrap, kafka.name("group"), slot, source, target, phase, str(nth), str(until))
    return subprocess.Popen([sys.executable, str(COPIER), *arguments])


def run_copier(kafka: KafkaHarness, source: str, target: str, phase: str, nth: int, until: int) -> int:
    """The same, to its end. Returns its exit status."""
    return start_copier(kafka, source, target, phase, nth, until).wait(60)


def test_kill_9_in_every_phase_loses_and_doubles_nothing(kafka: KafkaHarness) -> None:
    source, target = kafka.create_topic("source"), kafka.create_topic("target")
    values = [f"v{i}" for i in range(300)]
    for i in range(0, len(values), 5):
        kafka.append(source, 0, batch(*values[i : i + 5]))
    begin_at(kafka, "group", {at(source): Position(0)})
    for nth, phase in enumerate(PHASES, 2):
        assert run_copier(kafka, source, target, phase, nth, len(values)) == -9, f"it was to be killed when {phase}"
    assert run_copier(kafka, source, target, "never", 1, len(values)) == 0
    assert seen(kafka, target) == values
    assert position_of(kafka, "group", at(source)) == Position(len(values), "copied")


def test_a_restart_under_the_same_slot_has_records_at_once(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    begin_at(kafka, "group", {at(source): Position(0)})
    first = Driver(kafka, [source], session_timeout_s=30.0)
    first.until_owns(at(source))
    kafka.append(source, 0, batch("a"))
    kafka.kill(first.session)
    began = time.monotonic()
    Driver(kafka, [source], session_timeout_s=30.0).until_holds("a")
    assert time.monotonic() - began < 5.0, "it waited for the dead member's session"


def test_a_long_computation_does_not_cost_the_membership(kafka: KafkaHarness) -> None:
    source, target = kafka.create_topic("source"), kafka.create_topic("target")
    begin_at(kafka, "group", {at(source): Position(0)})
    kafka.append(source, 0, batch("a"))
    driver = Driver(kafka, [source], session_timeout_s=1.0)
    driver.until_holds("a")
    ended = time.monotonic() + 3.0
    while time.monotonic() < ended:
        sum(range(10_000))  # a model computes: three session time-outs long, without a poll
    assert driver.copy(target)
    assert seen(kafka, target) == ["a"]


def test_a_transaction_that_the_broker_aborted_for_its_age_is_repeated(kafka: KafkaHarness) -> None:
    # Given a session that stalls in mid-transaction past its time-out and the broker's next sweep, every 6 s
    source, target = kafka.create_topic("source"), kafka.create_topic("target")
    begin_at(kafka, "group", {at(source): Position(0)})
    kafka.append(source, 0, batch("a"))
    stalls = iter([1.0 + 6.0 + 2.0])

    def stall(phase: str) -> None:
        if phase == "positioned":
            threading.Event().wait(next(stalls, 0.0))

    driver = Driver(kafka, [source], transaction_timeout_s=1.0, probe=stall)
    driver.until_holds("a")
    # When it goes on
    assert driver.copy(target) is False
    # Then it is not mistaken for a second instance
    driver.copy_until(target, lambda: seen(kafka, target) == ["a"], "the copy")
    assert position_of(kafka, "group", at(source)) == Position(1)


def test_an_idle_instance_notices_that_another_took_its_slot(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    begin_at(kafka, "group", {at(source): Position(0)})
    older = Driver(kafka, [source])
    older.until_owns(at(source))
    newer = Driver(kafka, [source])
    newer.until_owns(at(source))

    def fenced() -> bool:
        try:
            older.poll()
        except Fenced:
            return True
        newer.poll()
        return False

    kafka.wait_until(fenced, 10.0, "fencing of the older instance")
    with pytest.raises(Fenced):
        older.commit()
    older.session.close()
    kafka.append(source, 0, batch("a"))
    newer.until_holds("a")


def test_an_orderly_stop_hands_partitions_over_before_the_session_times_out(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source", 2)
    begin_at(kafka, "group", {at(source, 0): Position(0), at(source, 1): Position(0)})
    one, other = (
        Driver(kafka, [source], "a", session_timeout_s=30.0),
        Driver(kafka, [source], "b", session_timeout_s=30.0),
    )
    kafka.wait_until(
        lambda: bool(one.poll().batches or other.poll().batches or (len(one.owned) == len(other.owned) == 1)),
        20.0,
        "one partition each",
    )
    began = time.monotonic()
    one.session.close()
    other.until_owns(at(source, 0), at(source, 1))
    assert time.monotonic() - began < 10.0


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.25, 0.4])
def test_a_process_that_is_terminated_hands_its_partitions_over_at_once(kafka: KafkaHarness, after_s: float) -> None:
    # Given a process that waits for records in the middle of a poll
    source, target = kafka.create_topic("source"), kafka.create_topic("target")
    begin_at(kafka, "group", {at(source): Position(0)})
    kafka.append(source, 0, batch("a"))
    copier = start_copier(kafka, source, target, "never", 1, 100)
    kafka.wait_until(lambda: seen(kafka, target) == ["a"], 20.0, "the first copy")
    # When it is terminated
    threading.Event().wait(after_s)
    began = time.monotonic()
    copier.terminate()
    assert copier.wait(10.0) == 0
    # Then it has left before another member could have waited for it
    with kafka.log.admin() as admin:
        assert admin.members(kafka.name("group")) == []
    Driver(kafka, [source], "b").until_owns(at(source), timeout_s=5.0)
    assert time.monotonic() - began < 8.0


def test_a_topic_that_grows_is_served_whole_although_the_leader_restarted(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    begin_at(kafka, "group", {at(source): Position(0)})
    first = Driver(kafka, [source], metadata_age_s=0.5)
    first.until_owns(at(source))
    kafka.kill(first.session)
    second = Driver(kafka, [source], metadata_age_s=0.5)
    second.until_owns(at(source))
    kafka.grow(source, 3)
    second.until_owns(at(source, 0), at(source, 1), at(source, 2))
    assert second.owned[at(source, 2)] == Position(0)


def test_a_topic_that_grows_is_served_whole_although_polls_end_in_the_middle_of_the_join(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    begin_at(kafka, "group", {at(source): Position(0)})
    driver = Driver(kafka, [source], metadata_age_s=0.3)
    driver.until_owns(at(source))
    driver.session._cover_at = time.monotonic() + 1_000  # type: ignore[attr-defined]  # only the library's leader looks
    kafka.grow(source, 3)

    def owns_all() -> bool:
        driver.poll(0.001)
        return len(driver.owned) == 3

    kafka.wait_until(owns_all, 20.0, "three partitions")


def test_partitions_are_served_only_where_every_topic_has_them(kafka: KafkaHarness) -> None:
    wide, narrow = kafka.create_topic("wide", 2), kafka.create_topic("narrow", 1)
    begin_at(kafka, "group", {at(wide, 0): Position(0), at(wide, 1): Position(0), at(narrow): Position(0)})
    kafka.append(wide, 1, batch("lonely"))
    kafka.append(wide, 0, batch("accompanied"))
    driver = Driver(kafka, [wide, narrow], metadata_age_s=0.5)
    driver.until_holds("accompanied")
    assert driver.owned.keys() == {at(wide, 0), at(narrow, 0)}
    kafka.grow(narrow, 2)
    driver.until_holds("accompanied", "lonely")


def test_a_group_without_positions_says_where_to_set_them(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    driver = Driver(kafka, [source])
    with pytest.raises(MissingPosition, match=r"source\[0\].*understudy topics"):
        driver.until_owns(at(source))


def test_a_position_that_expired_is_reported_with_the_range(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    kafka.append(source, 0, batch("a", "b", "c", "d"))
    kafka.delete_records(source, 0, 3)
    begin_at(kafka, "group", {at(source): Position(1)})
    driver = Driver(kafka, [source])
    with pytest.raises(PositionExpired, match=r"offset 1 of .*\[3, 4\).*Records 1 to 2 are gone.*positions restore"):
        driver.until_holds("d")


def test_a_topic_that_does_not_exist_is_named(kafka: KafkaHarness) -> None:
    with pytest.raises(UnknownTopic, match=r"nowhere.*understudy topics"):
        Driver(kafka, [kafka.name("nowhere")]).poll()


def test_a_recreated_topic_is_refused(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    kafka.append(source, 0, batch("a"))
    begin_at(kafka, "group", {at(source): Position(0)})
    driver = Driver(kafka, [source], metadata_age_s=0.5)
    driver.until_holds("a")
    kafka.recreate_topic(source)
    kafka.append(source, 0, batch("other", "records"))
    with pytest.raises(TopicRecreated, match="source was deleted and made again"):
        driver.until(lambda: False, "an error")
    assert driver.values() == ["a"]


def test_an_output_topic_that_does_not_exist_is_named_and_the_session_goes_on(kafka: KafkaHarness) -> None:
    source, target = kafka.create_topic("source"), kafka.create_topic("target")
    begin_at(kafka, "group", {at(source): Position(0)})
    kafka.append(source, 0, batch("a"))
    driver = Driver(kafka, [source])
    driver.until_holds("a")
    with pytest.raises(UnknownTopic, match="nowhere"):
        driver.commit([Output(kafka.name("nowhere"), 0, batch("x"))], {at(source): Position(1)})
    driver.copy_until(target, lambda: seen(kafka, target) == ["a"], "the copy")


def test_a_slot_that_kafka_would_refuse_is_refused_with_the_rule(kafka: KafkaHarness) -> None:
    source = kafka.create_topic("source")
    with pytest.raises(LogError, match=r"'a b'.*letters, digits"):
        kafka.log.session(SessionSpec("group", (source,), "a b"))


def test_no_broker_is_reported_with_the_address() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        log = KafkaLog(address, connect_timeout_s=0.3)
        with pytest.raises(LogUnavailable, match=rf"{address}.*understudy broker status"):
            log.session(SessionSpec("group", ("topic",), "slot"))


def test_a_closed_session_says_so(kafka: KafkaHarness) -> None:
    driver = Driver(kafka, [kafka.create_topic("source")])
    driver.session.close()
    with pytest.raises(LogError, match="closed"):
        driver.poll()


def test_connections_that_break_in_every_phase_lose_and_double_nothing(kafka: KafkaHarness) -> None:
    source, target = kafka.create_topic("source", 2), kafka.create_topic("target", 2)
    begin_at(kafka, "group", {at(source, 0): Position(0), at(source, 1): Position(0)})
    pending = list(PHASES)

    def break_connections(phase: str) -> None:
        """At `ending`, the outcome of the commit is then unknown."""
        if phase == pending[0]:
            pending.append(pending.pop(0))
            connections = driver.session._client._manager._conns.values()  # type: ignore[attr-defined]
            for transport in [each.transport for each in connections if each.transport is not None]:
                with contextlib.suppress(OSError):  # broken already
                    transport._sock.shutdown(socket.SHUT_RDWR)

    driver = Driver(kafka, [source], probe=break_connections)
    values = [f"v{i}" for i in range(60)]
    for i in range(0, 60, 5):
        kafka.append(source, 0, batch(*values[i : i + 5]))
        kafka.append(source, 1, batch(*values[i : i + 5]))
        driver.poll(1.0)
        driver.copy(target)
    pending.insert(0, "calm")
    driver.copy_until(target, lambda: len(seen(kafka, target, 0) + seen(kafka, target, 1)) >= 120, "copies")
    assert seen(kafka, target, 0) == seen(kafka, target, 1) == values


def test_a_broker_that_dies_and_comes_back_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        before = KafkaHarness(broker.bootstrap)
        source, target = before.create_topic("source"), before.create_topic("target")
        values = [f"v{i}" for i in range(600)]
        for i in range(0, len(values), 2):
            before.append(source, 0, batch(*values[i : i + 2]))
        begin_at(before, "group", {at(source): Position(0)})
        copier = start_copier(before, source, target, "never", 1, len(values))
        before.wait_until(lambda: len(seen(before, target)) > 20, 30.0, "the first copies")
        before.close()
        stop(tmp_path, grace_s=0.0)
        start(tmp_path)
        assert copier.wait(60) == 0
        after = KafkaHarness(broker.bootstrap)
        assert seen(after, target) == values
        after.close()


def test_transactions_of_protocol_version_1_commit_too(kafka: KafkaHarness) -> None:
    source, target = kafka.create_topic("source", 2), kafka.create_topic("target", 2)
    begin_at(kafka, "group", {at(source, 0): Position(0), at(source, 1): Position(0)})
    kafka._log = KafkaLog(kafka._bootstrap, transaction_version=1)
    driver = Driver(kafka, [source])
    for values in (("a", "b"), ("c", "d"), ("e", "f")):
        kafka.append(source, 0, batch(values[0]), batch("more"))
        kafka.append(source, 1, batch(values[1]))
        driver.copy_until(
            target, lambda: len(seen(kafka, target, 1)) == len(driver.harness.read_committed(source, 1)), ""
        )
    wait_until(lambda: seen(kafka, target, 0) == ["a", "more", "c", "more", "e", "more"], 10.0, "partition 0")
    assert seen(kafka, target, 1) == ["b", "d", "f"]
