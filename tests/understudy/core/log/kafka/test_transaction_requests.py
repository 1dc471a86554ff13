from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from kafka.protocol.broker_version_data import BrokerVersionData
from support.driving import at

from understudy.core.log.contract import Position
from understudy.core.log.kafka import transaction_requests as requests
from understudy.core.log.kafka.produce_request import produce_request

if TYPE_CHECKING:
    from understudy.core.log.kafka.client import TransactionVersion

MEMBER = requests.Member(3, "member-1", "slot")


def identity(version: TransactionVersion) -> requests.Identity:
    return requests.Identity("id", requests.VERSIONS[version], 7, 2)


@pytest.mark.parametrize(("version", "expected"), [(1, (4, 11, 3, 4)), (2, (5, 12, 5, 5))])
def test_requests_are_sent_in_the_versions_of_the_protocol(
    version: TransactionVersion, expected: tuple[int, int, int, int]
) -> None:
    who = identity(version)
    moved = requests.Moved("group", MEMBER, {at("topic"): Position(1, "note")})
    sent = (
        requests.init_request(who, 1000),
        produce_request(who, {}),
        requests.positions_request(who, moved),
        requests.end_request(who),
    )
    broker = BrokerVersionData(api_versions={request.API_KEY: (0, 99) for request in sent})
    assert tuple(broker.api_version(request) for request in sent) == expected
    for request, api_version in zip(sent, expected, strict=True):
        request.API_VERSION = api_version
        request.with_header(correlation_id=1, client_id="test")
        assert request.encode(framed=True, header=True)


def test_positions_carry_notes_and_the_member_that_owns_them() -> None:
    moved = requests.Moved("group", MEMBER, {at("topic", 1): Position(5, "note")})
    request = requests.positions_request(identity(2), moved)
    part = request.topics[0].partitions[0]
    assert (request.generation_id, request.member_id, request.group_instance_id) == (3, "member-1", "slot")
    assert (part.partition_index, part.committed_offset, part.committed_metadata) == (1, 5, "note")


def test_error_codes_are_found_in_answers() -> None:
    topic = SimpleNamespace(
        name="topic",
        partition_responses=[SimpleNamespace(index=1, error_code=51)],
        partitions=[SimpleNamespace(error_code=22), SimpleNamespace(error_code=0)],
        results_by_partition=[SimpleNamespace(partition_error_code=3)],
    )
    assert requests.produced_codes(SimpleNamespace(responses=[topic])) == {at("topic", 1): 51}
    assert requests.position_codes(SimpleNamespace(topics=[topic])) == {0, 22}
    assert requests.added_codes(SimpleNamespace(results_by_topic_v3_and_below=[topic])) == {3}


@pytest.mark.parametrize(
    ("epoch", "state", "expected"),
    [
        (3, "CompleteCommit", True),
        (3, "PrepareAbort", True),
        (3, "Empty", False),
        (3, "Ongoing", False),
        (4, "CompleteCommit", False),
        (2, "CompleteCommit", False),
    ],
)
def test_only_the_end_of_one_s_own_transaction_is_taken_for_it(epoch: int, state: str, *, expected: bool) -> None:
    found = SimpleNamespace(producer_id=7, producer_epoch=epoch, transaction_state=state)
    assert requests.has_only_ended(identity(2), found) is expected
    assert not requests.has_only_ended(identity(1), found)
    found.producer_id = 8
    assert not requests.has_only_ended(identity(2), found)
