from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import at

from understudy.core.log.errors import OutputMissing, OutputUnavailable
from understudy.core.log.kafka.client import TopicMetadata
from understudy.core.log.kafka.outputs import OFFLINE_PATIENCE_S, refusal_of

if TYPE_CHECKING:
    from understudy.core.log.contract import TopicPartition

LED = TopicMetadata("id-1", {0: 1, 1: 2})
HALF_LED = TopicMetadata("id-2", {0: 1, 1: -1})
OFFLINE = TopicMetadata("id-3", {0: -1})


def test_a_topic_that_is_not_there_is_refused_at_once() -> None:
    refusal = refusal_of([at("led"), at("gone")], {"led": LED}, 0.0)
    assert isinstance(refusal, OutputMissing)
    assert refusal.topic == "gone"
    assert "understudy topics" in str(refusal)
    assert "take the version back" in str(refusal)


def test_a_partition_without_a_leader_is_refused_when_it_stays_so() -> None:
    wanted, found = [at("led", 1), at("half", 1)], {"led": LED, "half": HALF_LED}
    assert refusal_of(wanted, found, OFFLINE_PATIENCE_S - 0.1) is None
    refusal = refusal_of(wanted, found, OFFLINE_PATIENCE_S)
    assert isinstance(refusal, OutputUnavailable)
    assert refusal.topic == "half"
    assert "half[1] has had no leader for 4 s" in str(refusal)


def test_a_partition_that_is_not_there_is_refused_when_it_stays_so() -> None:
    wanted, found = [at("led"), at("led", 7)], {"led": LED}
    assert refusal_of(wanted, found, OFFLINE_PATIENCE_S - 0.1) is None
    refusal = refusal_of(wanted, found, OFFLINE_PATIENCE_S)
    assert isinstance(refusal, OutputMissing)
    assert refusal.topic == "led"
    assert str(refusal).startswith(
        "led[7] does not exist: the topic has 2 partitions. Grow it with `understudy topics`"
    )


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([at("led"), at("led", 1)], {"led": LED}),
        ([at("offline"), at("half", 1)], {"offline": OFFLINE, "half": HALF_LED}),
    ],
    ids=["all is well", "nothing has a leader: the brokers' trouble"],
)
def test_what_is_no_single_topic_s_trouble_is_no_refusal(
    wanted: list[TopicPartition], found: dict[str, TopicMetadata]
) -> None:
    assert refusal_of(wanted, found, 60.0) is None
