from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dead_writer import die_writing
from support.story import V1, V2, V3, create_deployments, digest

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.log.memory import Faults, MemoryLog
from understudy.core.outgoing import outputs
from understudy.core.topics import EndpointTopics
from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.events import Draft, Event, encode
from understudy.deployments.fold import State
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.plan import Canary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from understudy.core.log.contract import Log, Output, Writer
    from understudy.core.log.memory import Fate

WRITERS, RAISES = 6, 4


@pytest.fixture
def deployments(log: Log, names: EndpointTopics) -> DeploymentsLog:
    return DeploymentsLog(log, names, "ann@laptop")


def begin(deployments: DeploymentsLog) -> None:
    """V1 in production, V2 a canary with the smallest share."""
    for propose in (
        lambda state: proposals.prepare(state, V1, digest(V1), "production"),
        lambda state: proposals.deploy_basic(state, V1),
        lambda state: proposals.prepare(state, V2, digest(V2), "canary"),
        lambda state: proposals.deploy_canary(state, V2, 1),
    ):
        assert deployments.append(propose)


def raised(state: State) -> Draft:
    """One millionth more for the canary: what two writers must not both do from the same state."""
    return proposals.deploy_canary(state, V2, share(state) + 1)


def share(state: State) -> int:
    assert state.plan is not None
    assert state.plan.canary is not None
    return state.plan.canary.share_ppm


def prepared(version: str) -> Callable[[State], Draft | None]:
    return lambda state: proposals.prepare(state, version, digest(version), "shadow")


def effective(deployments: DeploymentsLog) -> list[str]:
    return [entry.event.id for entry in deployments.read().entries if entry.event and not entry.refusal]


def test_what_is_appended_is_read(deployments: DeploymentsLog) -> None:
    first = deployments.append(prepared(V1))
    second = deployments.append(prepared(V2))

    assert first is not None
    assert second is not None
    history = deployments.read()
    assert [entry.event for entry in history.entries] == [first, second]
    assert [entry.offset for entry in history.entries] == sorted({entry.offset for entry in history.entries})
    assert (first.sequence, second.sequence, first.actor) == (1, 2, "ann@laptop")
    assert first.id != second.id
    assert abs(first.time_ms / 1000 - time.time()) < 60
    assert list(history.state.versions) == [V1, V2]


def test_nothing_is_appended_where_nothing_is_to_be_done(deployments: DeploymentsLog) -> None:
    deployments.append(prepared(V1))

    assert deployments.append(prepared(V1)) is None
    assert len(deployments.read().entries) == 1


def test_what_is_refused_is_not_written(deployments: DeploymentsLog) -> None:
    with pytest.raises(Refused, match="nothing is in production yet"):
        deployments.append(lambda state: proposals.promote(state, V1))
    with pytest.raises(Refused, match="was never prepared, so it cannot be paused"):
        deployments.append(lambda _: Draft("paused", "by hand", V1))

    assert deployments.read().entries == ()


def test_a_missing_topic_is_told(log: Log) -> None:
    with pytest.raises(UnknownTopic, match="understudy topics"):
        DeploymentsLog(log, EndpointTopics("nowhere"), "ann").append(prepared(V1))


def test_who_comes_second_asks_again_for_the_new_state(log: Log, names: EndpointTopics) -> None:
    ann, bob = DeploymentsLog(log, names, "ann"), DeploymentsLog(log, names, "bob")
    begin(ann)
    seen: list[int] = []

    def interrupted(state: State) -> Draft:
        seen.append(share(state))
        if len(seen) == 1:
            bob.append(raised)
        return raised(state)

    won = ann.append(interrupted)
    assert won is not None
    assert seen == [1, 2]
    assert won.plan is not None
    assert won.plan.canary == Canary(V2, 3)
    *_, of_bob, superseded, of_ann = ann.read().entries
    assert [entry.event and entry.event.actor for entry in (of_bob, superseded, of_ann)] == ["bob", "ann", "ann"]
    assert (of_bob.refusal, of_ann.refusal) == ("", "")
    assert superseded.refusal.startswith("superseded")


def test_who_comes_second_may_find_that_nothing_is_left_to_do(log: Log, names: EndpointTopics) -> None:
    ann, bob = DeploymentsLog(log, names, "ann"), DeploymentsLog(log, names, "bob")
    calls: list[State] = []

    def interrupted(state: State) -> Draft | None:
        draft = prepared(V1)(state)
        calls.append(state)
        if len(calls) == 1:
            bob.append(prepared(V1))
        return draft

    assert ann.append(interrupted) is None
    assert [entry.refusal == "" for entry in ann.read().entries] == [True, False]


def test_who_comes_second_may_be_refused(log: Log, names: EndpointTopics) -> None:
    ann, bob = DeploymentsLog(log, names, "ann"), DeploymentsLog(log, names, "bob")
    begin(ann)
    calls: list[State] = []

    def interrupted(state: State) -> Draft:
        draft = proposals.promote(state, V2)
        calls.append(state)
        if len(calls) == 1:
            bob.append(lambda latest: proposals.rollback(latest, V2, "wrong"))
        return draft

    with pytest.raises(Refused, match=f"{V2} gets no records"):
        ann.append(interrupted)
    assert ann.read().state.stage(V2) == "withdrawn"


def test_writers_at_the_same_time_end_in_one_story(log: Log, names: EndpointTopics) -> None:
    begin(DeploymentsLog(log, names, "setup"))
    start = threading.Barrier(WRITERS)

    def work(number: int) -> list[Event]:
        mine = DeploymentsLog(log, names, f"writer {number}", patience_s=60.0)
        start.wait()
        won = [mine.append(raised) for _ in range(RAISES)]
        assert None not in won
        return [event for event in won if event is not None]

    with ThreadPoolExecutor(WRITERS) as pool:
        won = [event for each in pool.map(work, range(WRITERS)) for event in each]
    deployments = DeploymentsLog(log, names, "reader")
    state = deployments.read().state
    assert share(state) == 1 + WRITERS * RAISES
    assert sorted(event.id for event in won) == sorted(effective(deployments)[4:])
    assert sorted(event.sequence for event in won) == list(range(5, 5 + WRITERS * RAISES))


def test_a_writer_that_was_killed_in_its_transaction_does_not_hold_up_the_next(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog
) -> None:
    deployments.append(prepared(V1))
    lost = Draft("prepared", "", V2, "lost", "shadow").signed("lost", 2, 0, "dead")
    die_writing(log, names.deployments_writer, batch(names, encode(lost)))

    began_s = time.monotonic()
    won = deployments.append(prepared(V3))
    assert time.monotonic() - began_s < 5
    assert won is not None
    assert won.sequence == 2
    assert effective(deployments)[1:] == [won.id]
    assert list(deployments.read().state.versions) == [V1, V3]


def batch(names: EndpointTopics, value: bytes | None) -> Sequence[Output]:
    return outputs(TopicPartition(names.deployments, 0), [None], [value], [0])


@pytest.mark.parametrize(
    "value", [b"hello", encode(Event("new", 1, "approved", 0, "a newer one"))], ids=["no event", "a newer event"]
)
def test_nothing_is_appended_to_what_is_not_understood(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog, value: bytes
) -> None:
    with log.writer("newer") as writer:
        assert writer.commit(batch(names, value))

    with pytest.raises(Refused, match=r"nothing can be changed from here: .*a newer Understudy wrote it"):
        deployments.append(prepared(V1))
    assert len(deployments.read().entries) == 1


def test_what_is_not_understood_may_come_in_between(
    log: Log, names: EndpointTopics, deployments: DeploymentsLog
) -> None:
    def interrupted(state: State) -> Draft | None:
        with log.writer("newer") as writer:
            assert writer.commit(batch(names, b"hello"))
        return prepared(V1)(state)

    with pytest.raises(Refused, match="nothing can be changed from here: the record at offset 0"):
        deployments.append(interrupted)
    assert deployments.read().state.versions == {}


# Faults, in the memory log: what cannot be had from a broker on demand.


def faulty(faults: Faults) -> tuple[DeploymentsLog, MemoryLog]:
    log, names = MemoryLog(faults=faults), EndpointTopics("flights")
    create_deployments(log, names)
    return DeploymentsLog(log, names, "ann", patience_s=5.0, pause=lambda _: None), log


@pytest.mark.parametrize("fate", ["lost before", "lost after"])
def test_an_event_whose_outcome_was_not_known_takes_effect_once(fate: Fate) -> None:
    faults = Faults()
    deployments, _ = faulty(faults)
    faults.befall(fate)

    won = deployments.append(prepared(V1))
    assert won is not None
    assert effective(deployments) == [won.id]
    assert len(deployments.read().entries) == 1


class Contested:
    """The memory log, where somebody else takes the writer's id before the first commit."""

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.session, self.reader, self.admin = log.session, log.reader, log.admin
        self.taken = 0

    def writer(self, transactional_id: str) -> Writer:
        writer = self.log.writer(transactional_id)
        if not self.taken:
            self.taken += 1
            self.log.writer(transactional_id).close()
        return writer


def test_a_writer_whose_id_was_taken_tries_again() -> None:
    _, log = faulty(Faults())
    contested = Contested(log)
    deployments = DeploymentsLog(contested, EndpointTopics("flights"), "ann", pause=lambda _: None)

    won = deployments.append(prepared(V1))
    assert won is not None
    assert effective(deployments) == [won.id]
    assert contested.taken == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1 << 32), st.integers(1, 8))
def test_no_update_is_lost_and_none_is_done_twice_whatever_happens(seed: int, raises: int) -> None:
    deployments, _ = faulty(Faults(seed, {"lost before": 0.3, "lost after": 0.3}))
    begin(deployments)
    won = [deployments.append(raised) for _ in range(raises)]

    assert share(deployments.read().state) == 1 + raises
    assert [event and event.id for event in won] == effective(deployments)[4:]


def test_a_log_that_does_not_answer_leaves_the_outcome_open_and_says_so() -> None:
    deployments, log = faulty(Faults(0, {"lost before": 1.0}))
    impatient = DeploymentsLog(log, EndpointTopics("flights"), "ann", patience_s=0.0, pause=lambda _: None)

    with pytest.raises(LogUnavailable, match=r"not known whether the event .*prepared delay:v1.* took effect"):
        impatient.append(prepared(V1))
    assert deployments.read().state == State()
