from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import errors
from kafka.protocol.broker_version_data import BrokerVersionData
from kafka.protocol.producer import ProduceRequest
from support.driving import at, batch

from understudy.core.batches import restamped
from understudy.core.log.contract import TopicPartition
from understudy.core.log.kafka.produce_request import ACK_TIMEOUT_MS, BatchesRequest, produce_request
from understudy.core.log.kafka.transaction_requests import VERSIONS, Identity

WHO = Identity("id", VERSIONS[2], 7, 2)

partitions = st.builds(TopicPartition, st.sampled_from(["a", "topic", "t" * 200]), st.integers(0, 1_000_000))
contents = st.dictionaries(partitions, st.lists(st.text(max_size=300), min_size=1, max_size=3), max_size=6)


def request_of(contents: dict[TopicPartition, list[str]]) -> BatchesRequest:
    stamp = {"producer_id": 7, "producer_epoch": 2, "base_sequence": 0}
    return produce_request(
        WHO, {where: restamped(batch(*values), **stamp, transactional=True) for where, values in contents.items()}
    )


def as_the_library_encodes(request: BatchesRequest, version: int) -> bytes:
    topic = ProduceRequest.TopicProduceData
    by_topic: dict[str, list[object]] = {}
    for where, data in request.batches.items():
        part = topic.PartitionProduceData(index=where.partition, records=data.head + bytes(data.body))
        by_topic.setdefault(where.topic, []).append(part)
    topics = [topic(name=name, partition_data=parts) for name, parts in by_topic.items()]
    theirs = ProduceRequest(transactional_id="id", acks=-1, timeout_ms=ACK_TIMEOUT_MS, topic_data=topics)
    theirs.API_VERSION = version
    theirs.with_header(correlation_id=5, client_id="test")
    encoded: bytes = bytes(theirs.encode(framed=True, header=True))
    return encoded


@pytest.mark.parametrize("version", [11, 12])
@given(contents=contents)
def test_the_bytes_are_those_of_the_library(version: int, contents: dict[TopicPartition, list[str]]) -> None:
    request = request_of(contents)
    request.API_VERSION = version
    request.with_header(correlation_id=5, client_id="test")
    assert request.encode(framed=True, header=True) == as_the_library_encodes(request, version)


def test_a_broker_that_does_not_speak_the_version_is_refused_by_the_library() -> None:
    request = request_of({at("topic"): ["a"]})
    assert BrokerVersionData(api_versions={request.API_KEY: (0, 13)}).api_version(request) == 12
    old = BrokerVersionData(api_versions={request.API_KEY: (0, 8)})
    with pytest.raises(errors.IncompatibleBrokerVersion):
        old.api_version(request)
    assert request.API_VERSION is None
