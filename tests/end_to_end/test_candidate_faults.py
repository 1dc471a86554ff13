"""Canaries that go wrong in every way: users hardly notice, and after the rollback every record was answered once."""

from __future__ import annotations

import logging
import statistics
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from support import release_rig as rig
from support.changes import latencies_s, pass_time
from support.checking.checker import check
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.load import Load, Watch
from support.release_rig import PRODUCTION, SWITCHABLE, encoded_events, register_switchable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from support.endpoint import Endpoint
    from support.load import Visible
    from support.observer import Observer

pytestmark = pytest.mark.kafka
log = logging.getLogger(__name__)

FAULTS = ("raise", "sleep", "kill", "memory", "hang", "lose its topic")
SLEEP_S = 0.3
"""How long a canary sleeps before each answer."""
PER_S = 500
WINDOW_S = 4.0
MORE_S = 0.1
"""What a canary that goes wrong may add to the median of production's own visible latency."""

SLOWEST_S = 4.0
"""No answer of production's own takes longer, wherever the machine is busy."""

SUPERVISED_BOUND_S = 8.0
"""Production's slowest answer when a canary dies amid a transaction and is started again: the start of a process."""

UNSUPERVISED_BOUND_S = 14.0
"""The same when nobody starts it again: the transaction's time-out of 5 s and the broker's sweep every 6 s."""


@pytest.fixture
def release(make_release: Callable[..., Endpoint]) -> Endpoint:
    """Nothing runs yet; the supervisor bounds a candidate's memory."""
    return make_release(sections="[worker]\ncandidate_memory_mb = 900\n")


SUPERVISORS = ("workers-0", "workers-1")


def start_supervised(release: Endpoint, supervisors: Sequence[str] = SUPERVISORS[:1]) -> None:
    release.start("router-0", "router")
    for slot in supervisors:
        release.start(slot, "worker", "--follow")
    release.start("comparator-0", "comparator")
    release.run("deploy", PRODUCTION, "--strategy", "basic")


def deploy_canary(release: Endpoint) -> None:
    release.run("deploy", SWITCHABLE, "--strategy", "canary", "--share", "20")


class Users:
    """Those who send, and those who read."""

    def __init__(self, release: Endpoint, watch: Watch, load: Load) -> None:
        self.release = release
        self.watch = watch
        self.load = load

    def own_s(self, window: tuple[float, float]) -> list[float]:
        """The latencies of production's own answers to what was sent in this time."""
        return latencies_s(self.watch.answers(), *window, PRODUCTION)

    def canarys(self, window: tuple[float, float]) -> list[Visible]:
        """The canary's answers so far to what was sent in this time."""
        begin_s, end_s = window
        answers = self.watch.answers()
        return [each for each in answers if each.version == SWITCHABLE and begin_s <= each.sent_s <= end_s]

    def have(self, records: int) -> bool:
        """Whether there are answers to so many records."""
        return self.watch.count >= records

    def have_the_canarys(self) -> bool:
        """Whether the canary has answered lately."""
        return any(answer.version == SWITCHABLE for answer in self.watch.answers(PER_S))

    def await_all(self) -> int:
        """Stop sending, and wait for every answer."""
        sent = self.load.stop()
        until(partial(self.have, sent), PATIENCE_S, f"{sent:,} answers")
        return sent


@contextmanager
def users_of(release: Endpoint) -> Iterator[Users]:
    load = Load(release.bootstrap, f"{release.name}.input", encoded_events(), PER_S)
    with Watch(release.bootstrap, release.name) as watch, load:
        until(lambda: watch.count > PER_S, PATIENCE_S, "answers")
        yield Users(release, watch, load)


def check_all(release: Endpoint, observer: Observer, sent: int) -> None:
    """Each record is answered once, by whom the plan says; what was reclaimed stands in no comparison."""
    until(lambda: is_at_rest(observer, release.name, sent), PATIENCE_S, "everything to be counted")
    assert check(read(observer, release.name)) == []
    assert release.status()["ledger"]["residual"] == 0


def test_canaries_that_go_wrong_are_hardly_noticed(release: Endpoint, observer: Observer) -> None:
    """Two supervisors run them one after the other, and reclaim together what each has left."""
    switch = register_switchable(release)
    start_supervised(release, SUPERVISORS)
    medians_s, slowest_s = {}, {}
    with users_of(release) as users:
        for fault in FAULTS:
            without = pass_time(WINDOW_S)
            deploy_canary(release)
            until(users.have_the_canarys, PATIENCE_S, "answers by the canary")
            went_wrong = goes_wrong(release, users, fault)
            go_wrong(release, switch, fault)
            beside = pass_time(WINDOW_S)
            until(partial(went_wrong, beside), PATIENCE_S, f"a canary that is seen to {fault}")
            release.run("rollback", SWITCHABLE)
            switch.unlink(missing_ok=True)
            sent_to = users.load.sent
            until(partial(users.have, sent_to), PATIENCE_S, f"every answer after the canary that was to {fault}")
            own_s = users.own_s(without), users.own_s(beside)
            medians_s[fault] = tuple(statistics.median(each) for each in own_s)
            slowest_s[fault] = tuple(max(each) for each in own_s)
            log.info("%s: medians %.3f s and %.3f s", fault, *medians_s[fault])
            log.info("%s: slowest %.3f s and %.3f s", fault, *slowest_s[fault])
        sent = users.await_all()
    check_all(release, observer, sent)
    assert {fault: beside for fault, (_, beside) in slowest_s.items() if beside > SLOWEST_S} == {}
    assert statistics.median(beside - without for without, beside in medians_s.values()) < MORE_S, medians_s


def goes_wrong(release: Endpoint, users: Users, fault: str) -> Callable[[tuple[float, float]], bool]:
    """How it is seen that a canary goes wrong from now on, after a time in which it did."""
    deaths = killed(release)

    def erred(why: str, beside: tuple[float, float]) -> bool:
        return any(why in answer.error for answer in users.canarys(beside))

    def slept(beside: tuple[float, float]) -> bool:
        latencies_s = [answer.latency_s for answer in users.canarys(beside)]
        return bool(latencies_s) and min(latencies_s) >= SLEEP_S

    seen: dict[str, Callable[[tuple[float, float]], bool]] = {
        "raise": partial(erred, "told to"),
        "sleep": slept,
        "kill": lambda _: killed(release) > deaths,
        "memory": partial(erred, "Unable to allocate"),
        "hang": lambda beside: not users.canarys(beside),
        "lose its topic": lambda _: f"excluded the answering lane of {SWITCHABLE}" in release.run("history").stdout,
    }
    return seen[fault]


def killed(release: Endpoint) -> int:
    """How many canaries were killed that nobody had told to end."""
    endings = [ending for slot in SUPERVISORS for ending in release.endings(slot, "candidate")]
    return sum(ending.then != "stopped" and "SIGKILL" in ending.how for ending in endings)


def go_wrong(release: Endpoint, switch: Path, fault: str) -> None:
    if fault == "lose its topic":
        topic = f"{release.name}.sums.switchable.requests"
        admin = AdminClient({"bootstrap.servers": release.bootstrap})  # its answers come as long as it is held
        admin.delete_topics([topic])[topic].result(timeout=30)
    else:
        switch.write_text(fault)


@pytest.mark.parametrize("is_supervised", [True, False], ids=["started again", "not started again"])
def test_a_canary_that_dies_amid_a_transaction_delays_users_no_longer_than_stated(
    release: Endpoint, observer: Observer, is_supervised: bool
) -> None:
    switch = register_switchable(release)
    start = start_supervised if is_supervised else start_alone
    start(release)
    with users_of(release) as users:
        without = pass_time(WINDOW_S)
        if is_supervised:
            deploy_canary(release)
        else:
            rig.release(release, SWITCHABLE, "canary", "--share", "20")
            release.start("canary-0", "worker", SWITCHABLE)
        until(users.have_the_canarys, PATIENCE_S, "answers by the canary")
        switch.write_text("die")
        until(lambda: not switch.exists(), PATIENCE_S, "death")
        beside = pass_time(3 * WINDOW_S)
        slowest_s = max(users.own_s(beside))
        if not is_supervised:
            release.start("workers-0", "worker", "--follow")
        release.run("rollback", SWITCHABLE)
        sent = users.await_all()
        log.info("production's slowest: %.3f s before, %.3f s after the death", max(users.own_s(without)), slowest_s)
    assert slowest_s < (SUPERVISED_BOUND_S if is_supervised else UNSUPERVISED_BOUND_S)
    check_all(release, observer, sent)


def start_alone(release: Endpoint) -> None:
    """Workers that nobody looks after."""
    release.start("router-0", "router")
    release.start("comparator-0", "comparator")
    rig.release(release, PRODUCTION, "basic")
    release.start("production-0", "worker", PRODUCTION)
