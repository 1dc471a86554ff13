from __future__ import annotations

import pytest
from support.driving import at

from understudy.core.log.contract import NewTopic, TopicInfo
from understudy.core.log.errors import TopicExists, UnknownTopic
from understudy.core.log.memory.topics import Topics


@pytest.fixture
def topics() -> Topics:
    topics = Topics()
    topics.create(NewTopic("one", 2, config={"retention.ms": "1000"}))
    return topics


def test_a_topic_is_as_it_was_made(topics: Topics) -> None:
    assert topics.named("one").info() == TopicInfo("one", "topic-1", 2, {"retention.ms": "1000"})


def test_a_topic_is_made_once(topics: Topics) -> None:
    with pytest.raises(TopicExists, match="one"):
        topics.create(NewTopic("one", 1))


def test_a_topic_has_a_partition(topics: Topics) -> None:
    with pytest.raises(ValueError, match="at least one"):
        topics.create(NewTopic("none", 0))

    assert topics.find("none") is None


def test_a_topic_grows_and_keeps_its_partitions(topics: Topics) -> None:
    before = topics.partition(at("one", 1))

    topics.named("one").grow(4)

    assert topics.partition(at("one", 1)) is before
    assert [topics.partition(at("one", number)).at for number in range(4)] == [at("one", n) for n in range(4)]


def test_a_topic_does_not_shrink(topics: Topics) -> None:
    with pytest.raises(ValueError, match="shrink"):
        topics.named("one").grow(1)


def test_a_topic_made_again_is_another(topics: Topics) -> None:
    before = topics.named("one").topic_id
    topics.delete("one")

    topics.create(NewTopic("one", 1))

    assert topics.named("one").topic_id != before


@pytest.mark.parametrize("partition", [at("nowhere"), at("one", 2), at("one", -1)])
def test_what_does_not_exist_is_named(topics: Topics, partition: tuple[str, int]) -> None:
    with pytest.raises(UnknownTopic, match=partition[0]):
        topics.partition(at(*partition))


def test_an_unknown_topic_cannot_be_deleted(topics: Topics) -> None:
    with pytest.raises(UnknownTopic, match="nowhere"):
        topics.delete("nowhere")


def test_partitions_are_counted(topics: Topics) -> None:
    assert topics.counts(["one", "nowhere"]) == {"one": 2, "nowhere": 0}
