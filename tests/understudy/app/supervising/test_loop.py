"""A supervisor and its workers, as threads, on the memory log."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest
from support.endpoint import until
from support.fleet import CANDIDATE, PATIENCE_S, Fleet, fleet
from support.small_endpoint import PRODUCTION

from understudy.app.roles.working import work
from understudy.app.supervising.loop import LogReleases, supervise
from understudy.app.supervising.threads import ThreadLauncher
from understudy.core.log.errors import LogError, LogUnavailable, UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.deployments.errors import Refused
from understudy.deployments.plan import InvalidPlan
from understudy.deployments.proposals import promote, resume

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.fleet import Instance

    from understudy.app.roles.probes import Health
    from understudy.app.supervising.launching import Launch
    from understudy.core.log.contract import Admin, Log
    from understudy.deployments.fold import Standing

T = TypeVar("T")
EVENTS = 300


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[Fleet]:
    with fleet(MemoryLog(), tmp_path) as made:
        made.router()
        yield made


def supervisor(endpoint: Fleet, slot: str = "s", dies: str = "", log: Log | None = None) -> Instance:
    """A supervisor whose worker of `dies` raises as soon as it is launched. log: that it asks, where it is another."""

    def launched(launch: Launch, stop: threading.Event, health: Health) -> None:
        if launch.version == dies:
            raise RuntimeError("a bug")
        work(endpoint.settings, endpoint.log, endpoint.state, launch, stop, health)

    return endpoint.start(
        lambda stop, health: supervise(
            endpoint.settings, log or endpoint.log, endpoint.state, slot, ThreadLauncher(launched), stop, health
        )
    )


def test_the_supervisor_follows_a_whole_story_and_every_record_is_answered_once(endpoint: Fleet) -> None:
    running = [supervisor(endpoint, slot) for slot in ("s", "t")]
    until(lambda: "no version is in production" in running[0].health.unready(), PATIENCE_S, "an idle supervisor")
    endpoint.deploy(PRODUCTION)
    until(lambda: not running[0].health.unready(), PATIENCE_S, "production to be ready")
    endpoint.produce(EVENTS)
    endpoint.deploy(CANDIDATE, "canary", share_ppm=500_000)
    endpoint.adopted()
    endpoint.produce(EVENTS, first=EVENTS)
    until(lambda: bool(endpoint.told(answered_version=CANDIDATE)), PATIENCE_S, "an answer of the canary")
    endpoint.rollback(CANDIDATE)
    endpoint.produce(EVENTS, first=2 * EVENTS)

    until(lambda: len(endpoint.told()) >= 3 * EVENTS, PATIENCE_S, "an answer to every record")

    every = endpoint.told()
    assert len(set(every)) == len(every) == 3 * EVENTS
    assert endpoint.told(routed_version=CANDIDATE) == endpoint.routed(CANDIDATE)
    for each in running:
        endpoint.stop(each)
    assert running[0].health.unready() == "it is stopping"
    with endpoint.log.admin() as admin:
        groups = [endpoint.settings.names.worker_group(version) for version in (PRODUCTION, CANDIDATE)]
        assert [admin.members(group) for group in groups] == [[], []]


def test_a_candidate_that_keeps_dying_is_paused_and_goes_on_when_a_person_resumes_it(tmp_path: Path) -> None:
    with fleet(MemoryLog(), tmp_path, worker={"interval_s": 0, "restart_limit": 1}) as endpoint:
        endpoint.deploy(PRODUCTION)
        endpoint.deploy(CANDIDATE, "shadow")
        supervisor(endpoint, dies=CANDIDATE)

        until(lambda: bool(endpoint.state().versions[CANDIDATE].paused), PATIENCE_S, "the pause")

        reason = endpoint.state().versions[CANDIDATE].paused
        assert reason == "its worker died 2 times within 300 s; the last one exited with status 1"
        with pytest.raises(Refused, match="is paused"):
            promote(endpoint.state(), CANDIDATE)
        endpoint.seen(endpoint.append(lambda state: resume(state, CANDIDATE)))
        until(lambda: bool(endpoint.state().versions[CANDIDATE].paused), PATIENCE_S, "the pause after another try")


def at_once(question: Callable[[], T]) -> Future[T]:
    """Answers before it returns. Implements `Ask`."""
    answer: Future[T] = Future()
    try:
        answer.set_result(question())
    except LogError as error:
        answer.set_exception(error)
    return answer


class Later:
    """Implements `Ask`: answers when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Callable[[], None]] = []

    def __call__(self, question: Callable[[], T], /) -> Future[T]:
        answer: Future[T] = Future()
        self.begun.append(lambda: answer.set_result(question()))
        return answer


def test_a_pause_is_noted_once_by_however_many_supervisors(endpoint: Fleet) -> None:
    endpoint.deploy(PRODUCTION)
    endpoint.deploy(CANDIDATE, "shadow")
    releases = [LogReleases(endpoint.log, endpoint.settings, f"supervisor {slot}", ask=at_once) for slot in "ab"]

    noted_at = endpoint.state().sequence + 1
    assert [each.pause(CANDIDATE, "it died").result() for each in releases] == [noted_at, noted_at]

    endpoint.seen(noted_at)
    assert endpoint.state().versions[CANDIDATE].paused == "it died"
    assert releases[0].pause(PRODUCTION, "it died").result() is None
    assert not endpoint.follower.wait(endpoint.state().sequence + 1, 0.3)


def test_a_pause_that_the_log_does_not_take_is_to_be_tried_again(endpoint: Fleet) -> None:
    endpoint.deploy(PRODUCTION)
    endpoint.deploy(CANDIDATE, "shadow")
    with endpoint.log.admin() as admin:
        admin.delete([endpoint.settings.names.deployments])

    assert LogReleases(endpoint.log, endpoint.settings, "s", ask=at_once).pause(CANDIDATE, "it died").result() is None


def withdrawn_with_debts(endpoint: Fleet) -> Standing:
    endpoint.deploy(PRODUCTION)
    endpoint.deploy(CANDIDATE, "shadow")
    endpoint.adopted()
    endpoint.produce(EVENTS)
    until(lambda: len(endpoint.routed(CANDIDATE, "shadow")) == EVENTS, PATIENCE_S, "records for the shadow")
    endpoint.rollback(CANDIDATE)
    return endpoint.state().versions[CANDIDATE]


def test_what_is_settled_is_not_asked_again_until_it_is_deployed_anew(endpoint: Fleet) -> None:
    standing = withdrawn_with_debts(endpoint)
    now_s = [10.0]
    releases = LogReleases(endpoint.log, endpoint.settings, "supervisor s", clock=lambda: now_s[0], ask=at_once)

    assert releases.owes_nothing(CANDIDATE, standing) is False
    supervisor(endpoint)

    def settled() -> bool:
        now_s[0] += 2
        return bool(releases.owes_nothing(CANDIDATE, standing))

    until(settled, PATIENCE_S, "the reclaimer's end")
    with endpoint.log.admin() as admin:
        admin.delete([endpoint.settings.names.requests(CANDIDATE)])
    now_s[0] += 2
    assert releases.owes_nothing(CANDIDATE, standing)
    assert not releases.owes_nothing(CANDIDATE, replace(standing, since_revision=99))


def test_nobody_waits_for_what_a_version_owes_and_the_latest_answer_counts(endpoint: Fleet) -> None:
    standing = withdrawn_with_debts(endpoint)
    now_s, later = [10.0], Later()
    releases = LogReleases(endpoint.log, endpoint.settings, "supervisor s", clock=lambda: now_s[0], ask=later)

    assert [releases.owes_nothing(CANDIDATE, standing) for _ in range(3)] == [None] * 3
    assert len(later.begun) == 1
    later.begun[0]()
    assert releases.owes_nothing(CANDIDATE, standing) is False
    now_s[0] += 2
    assert [releases.owes_nothing(CANDIDATE, standing) for _ in range(3)] == [False] * 3
    assert len(later.begun) == 2


class OtherAdmin:
    """A log with another admin. The rest is the memory log's."""

    def __init__(self, log: Log, admin: Callable[[], Admin]) -> None:
        self._log = log
        self.admin = admin

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)


@pytest.mark.parametrize("error", [UnknownTopic("a lane is gone"), LogUnavailable("no leader"), InvalidPlan("a note")])
def test_a_supervisor_outlives_what_the_log_says_of_a_version_that_left(endpoint: Fleet, error: Exception) -> None:
    def fail() -> Admin:
        raise error

    standing = withdrawn_with_debts(endpoint)
    releases = LogReleases(cast("Log", OtherAdmin(endpoint.log, fail)), endpoint.settings, "supervisor s")

    until(lambda: releases.owes_nothing(CANDIDATE, standing) is not None, PATIENCE_S, "an answer")

    assert releases.owes_nothing(CANDIDATE, standing) is False


def test_a_log_that_says_nothing_of_a_version_that_left_holds_up_neither_production_nor_the_end(
    endpoint: Fleet,
) -> None:
    may_answer = threading.Event()

    def wait() -> Admin:
        may_answer.wait(PATIENCE_S)
        raise LogUnavailable("no leader")

    withdrawn_with_debts(endpoint)
    running = supervisor(endpoint, log=cast("Log", OtherAdmin(endpoint.log, wait)))

    until(lambda: not running.health.unready(), PATIENCE_S / 2, "production to be ready")
    running.stop.set()
    until(lambda: running.is_over, PATIENCE_S / 2, "the supervisor's end")

    assert not may_answer.is_set()
    may_answer.set()
    assert running.error == []
