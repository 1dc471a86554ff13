from __future__ import annotations

from understudy.core.log.contract import TopicPartition


def test_a_partition_is_shown_with_its_number() -> None:
    assert str(TopicPartition("flights.input", 3)) == "flights.input[3]"
