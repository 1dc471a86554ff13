from __future__ import annotations

import socket
from itertools import pairwise
from struct import pack
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import errors
from kafka.net import connection, transport
from kafka.protocol.consumer import FetchRequest, FetchResponse
from kafka.protocol.parser import KafkaProtocol

from understudy.core.log.kafka import receiving
from understudy.core.log.kafka.receiving import (
    KEPT_MAX_BYTES,
    LOBBY_BYTES,
    InPlaceParser,
    Response,
    patch_receiving,
    receive_into,
)
from understudy.core.log.kafka.selfcheck import Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 12


def response(correlation_id: int, *records: bytes) -> bytes:
    """A fetch response as it is on the wire."""
    topic = FetchResponse.FetchableTopicResponse
    parts = [
        topic.PartitionData(
            partition_index=index,
            error_code=0,
            high_watermark=1,
            last_stable_offset=1,
            log_start_offset=0,
            aborted_transactions=None,
            preferred_read_replica=-1,
            records=data,
        )
        for index, data in enumerate(records)
    ]
    answer = FetchResponse(
        throttle_time_ms=0, error_code=0, session_id=0, responses=[topic(topic="topic", partitions=parts)]
    )
    answer.API_VERSION = VERSION
    answer.with_header(correlation_id=correlation_id)
    return bytes(answer.encode(framed=True, header=True))


def expecting(parser: KafkaProtocol, count: int) -> KafkaProtocol:
    """The parser, with requests under way that have the correlation ids from 1 to `count`."""
    for _ in range(count):
        request = FetchRequest(max_wait_ms=0, min_bytes=0, topics=[], forgotten_topics_data=[], rack_id="")
        request.API_VERSION = VERSION
        parser.send_request(request)
    return parser


def received(parsed: Sequence[tuple[int, FetchResponse]]) -> list[tuple[int, list[bytes]]]:
    return [(number, [part.records for part in answer.responses[0].partitions]) for number, answer in parsed]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    marks = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(marks)]


@given(
    sizes=st.lists(st.lists(st.integers(0, 3_000), max_size=3), min_size=1, max_size=4),
    places=st.lists(st.integers(0, 1 << 20), max_size=12),
)
def test_responses_are_those_of_the_library_however_the_bytes_are_cut(
    sizes: list[list[int]], places: list[int]
) -> None:
    wire = b"".join(
        response(number, *(bytes([index + 1]) * size for index, size in enumerate(one)))
        for number, one in enumerate(sizes, 1)
    )
    ours, theirs = expecting(InPlaceParser(), len(sizes)), expecting(KafkaProtocol(), len(sizes))
    found = [each for piece in cut(wire, places) for each in ours.receive_bytes(piece)]
    assert received(found) == received(theirs.receive_bytes(wire))


def test_a_long_response_is_received_in_place_and_keeps_its_records_when_the_next_one_comes() -> None:
    first, second = b"a" * (5 * LOBBY_BYTES), b"b" * (5 * LOBBY_BYTES)
    parser = expecting(InPlaceParser(), 2)
    ours, theirs = socket.socketpair()
    found = []
    with ours, theirs:
        ours.setblocking(False)
        for data in (response(1, first), response(2, second)):
            for piece in cut(data, range(0, len(data), 50_000)):
                theirs.sendall(piece)
                got, error = receive_into(ours, parser.room())
                assert error is None
                found += parser.receive_bytes(got)
    assert received(found) == [(1, [first]), (2, [second])]


def test_a_response_beyond_what_is_kept_is_taken_too() -> None:
    parser = expecting(InPlaceParser(), 2)
    records = b"x" * (KEPT_MAX_BYTES + 1)
    assert received(parser.receive_bytes(response(1, records))) == [(1, [records])]
    assert received(parser.receive_bytes(response(2, b"y"))) == [(2, [b"y"])]


@pytest.mark.parametrize("size_bytes", [-1, 101])
def test_an_impossible_size_is_refused(size_bytes: int) -> None:
    parser = InPlaceParser(receive_message_max_bytes=100)
    with pytest.raises(errors.InvalidReceiveError):
        parser.receive_bytes(pack(">i", size_bytes))


def test_an_answer_to_another_request_is_refused() -> None:
    with pytest.raises(errors.CorrelationIdError):
        expecting(InPlaceParser(), 1).receive_bytes(response(9, b"x"))


def test_a_reader_gives_what_is_left_and_goes_back() -> None:
    reader = Response(memoryview(b"abcdef"))
    assert (reader.read(4), reader.tell(), reader.read(4), reader.read()) == (b"abcd", 4, b"ef", b"")
    reader.seek(1)
    assert reader.read() == b"bcdef"


def test_a_socket_is_read_until_it_has_no_more_or_the_room_is_full() -> None:
    ours, theirs = socket.socketpair()
    room = memoryview(bytearray(300))
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(b"x" * 400)
        assert receive_into(ours, room) == (b"x" * 300, None)
        assert receive_into(ours, room) == (b"x" * 100, None)
        assert receive_into(ours, room) == (b"", None)
        theirs.close()
        data, error = receive_into(ours, room)
    assert data == b""
    assert isinstance(error, errors.KafkaConnectionError)


def test_a_broken_socket_is_reported() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    ours.close()
    data, error = receive_into(ours, memoryview(bytearray(10)))
    assert data == b""
    assert isinstance(error, errors.KafkaConnectionError)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library as it comes; what a test patches is taken back."""
    monkeypatch.setattr(connection, "KafkaProtocol", KafkaProtocol)
    monkeypatch.setattr(transport.KafkaTCPTransport, "_sock_recv", transport.KafkaTCPTransport._sock_recv)


@pytest.mark.usefixtures("library")
def test_connections_receive_in_place_once_patched() -> None:
    patch_receiving()
    patch_receiving()
    assert connection.KafkaProtocol is InPlaceParser


@pytest.mark.usefixtures("library")
def test_nothing_is_patched_where_the_library_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "RECEIVING", (Symbol("kafka.net.connection:Vanished"),))
    before = transport.KafkaTCPTransport._sock_recv
    patch_receiving()
    assert connection.KafkaProtocol is KafkaProtocol
    assert transport.KafkaTCPTransport._sock_recv is before
