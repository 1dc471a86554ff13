from __future__ import annotations

import threading
from itertools import count, cycle
from typing import TYPE_CHECKING

import pytest
from support.dead_writer import die_writing
from support.story import V1, V2, Story, create_deployments

from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.core.outgoing import outputs
from understudy.core.topics import EndpointTopics
from understudy.deployments.events import Draft, Event, encode
from understudy.deployments.fold import State
from understudy.deployments.reading import DeploymentsReader, Entry, History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.log.contract import Log, Output


@pytest.fixture
def story() -> Story:
    story = Story()
    story.begins(V1)
    story.shadows(V2)
    return story


def batches(names: EndpointTopics, values: Sequence[bytes | None]) -> list[Output]:
    return outputs(TopicPartition(names.deployments, 0), [None] * len(values), values, [0] * len(values))


def write(log: Log, names: EndpointTopics, *values: bytes | None) -> None:
    with log.writer("somebody") as writer:
        assert writer.commit(batches(names, values))


# Without a log.


def test_every_record_is_kept_with_what_it_did(story: Story) -> None:
    history = History()
    late = Draft("paused", "late", V2).signed("late", 2, 0, "bob")
    told = [*story.events, late, Draft("paused", "errors", V1).signed("wrong", 5, 0, "bob")]
    for offset, event in enumerate(told, start=10):
        history = history.with_record(offset, encode(event))

    assert history.state == story.state
    assert history.entries[:4] == tuple(Entry(10 + i, event) for i, event in enumerate(story.events))
    assert history.entries[4].refusal.startswith("superseded")
    assert "production is rolled back instead" in history.entries[5].refusal


@pytest.mark.parametrize("value", [None, b"", b"hello", b"\xc3\x01" + bytes(20)], ids=str)
def test_a_record_that_is_no_event_freezes(story: Story, value: bytes | None) -> None:
    history = History(story.state).with_record(9, value).with_record(10, encode(later(story.state)))

    assert history.state.frozen.startswith("the record at offset 9 is no event (")
    assert history.state.plan == story.state.plan
    assert history.entries[0] == Entry(9, None, history.state.frozen)
    assert history.entries[1].refusal.startswith("nothing takes effect any more: the record at offset 9")


def later(state: State) -> Event:
    return Draft("paused", "errors", V2).signed("later", state.sequence + 1, 0, "bob")


def test_whether_an_event_took_effect_is_known_by_its_id(story: Story) -> None:
    first, second = later(story.state), Draft("pruned", "", V2).signed("second", story.state.sequence + 1, 0, "bob")
    history = History(story.state)
    for offset, event in enumerate([first, second]):
        history = history.with_record(offset, encode(event))

    assert history.took_effect("later") == first
    assert history.took_effect("second") is None
    assert history.took_effect("never") is None


# On a log.


def test_what_is_there_is_read_and_then_what_comes(log: Log, names: EndpointTopics, story: Story) -> None:
    events = [encode(event) for event in story.events]
    write(log, names, *events[:2])
    write(log, names, events[2])
    with DeploymentsReader(log, names.deployments) as reader:
        assert reader.catch_up().sequence == 3
        write(log, names, events[3])
        assert reader.catch_up() == story.state
        assert reader.poll(0.0) == story.state


def test_an_empty_topic_is_read_at_once(log: Log, names: EndpointTopics) -> None:
    with DeploymentsReader(log, names.deployments) as reader:
        assert reader.catch_up(patience_s=0.0) == State()


def test_a_transaction_that_is_open_is_waited_for(log: Log, names: EndpointTopics, story: Story) -> None:
    write(log, names, encode(story.events[0]))
    die_writing(log, "dead", batches(names, [encode(story.events[1])]))
    with DeploymentsReader(log, names.deployments) as reader:
        with pytest.raises(LogUnavailable, match="a transaction is open there"):
            reader.catch_up(patience_s=0.1)
        assert reader.history.state.sequence == 1

        abort = threading.Thread(target=log.writer("dead").close)
        abort.start()
        assert reader.catch_up().sequence == 1
        abort.join()
        write(log, names, encode(story.events[1]))
        assert reader.catch_up().sequence == 2


def test_as_long_as_something_comes_there_is_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    log, names = MemoryLog(), EndpointTopics("flights")
    create_deployments(log, names)
    long = Draft("prepared", "x" * 800_000, V1, "sha", "production")
    for sequence in range(1, 6):
        write(log, names, encode(long.signed(str(sequence), sequence, 0, "ann")))

    seconds = count(0.0, 10.0)  # each look at the clock costs ten
    with DeploymentsReader(log, names.deployments, clock=lambda: next(seconds)) as reader:
        poll, nothing_now = reader._reader.poll, cycle([True, False])
        monkeypatch.setattr(reader._reader, "poll", lambda _: {} if next(nothing_now) else poll(0.0))
        assert reader.catch_up(patience_s=15.0).sequence == 5


def test_a_topic_that_is_missing_or_has_no_order_is_told(log: Log, names: EndpointTopics) -> None:
    with pytest.raises(UnknownTopic, match="understudy topics"):
        DeploymentsReader(log, names.routes)
    with log.admin() as admin:
        admin.create([NewTopic(names.predictions, 2)])
    with pytest.raises(UnknownTopic, match="has 2 partitions, so its records have no order"):
        DeploymentsReader(log, names.predictions)
