"""Responses received in place: from the socket straight into the buffer that they are decoded from.

The library reads 4,096 bytes at a time and copies a response six times until its records are decoded, which for a
router, that looks into no record, is a large part of its work. Here a response is received into a buffer that its
connection keeps, and copied once, when it is decoded: a fifth less CPU time a routed record (`benchmarks/README.md`).
This is optional: where the library's internals are not the known ones nothing is changed, and everything works as
before, only slower.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final

from kafka import errors
from kafka.net import connection, transport
from kafka.protocol.parser import KafkaProtocol

from understudy.core.log.kafka.selfcheck import RECEIVING, present

LOBBY_BYTES: Final = 64 << 10
"""Read at once while it is not known what comes; most responses fit in whole."""
KEPT_MAX_BYTES: Final = 16 << 20
"""A connection's buffer grows up to this; a larger response gets one of its own."""
SIZE: Final = Struct(">i")

Received = tuple[bytes | memoryview, Exception | None]


class Response:
    """What the library's decoders read from. All that they keep is copied out, since the buffer is used again."""

    __slots__ = ("_at", "_view")

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._at = 0

    def read(self, size_bytes: int | None = None) -> bytes | memoryview:
        """The next bytes, or all that are left: of a long response, which is decoded from there, a view."""
        start = self._at
        self._at = len(self._view) if size_bytes is None else min(start + size_bytes, len(self._view))
        part = self._view[start : self._at]
        return part if size_bytes is None and len(part) > LOBBY_BYTES else bytes(part)

    def seek(self, position: int) -> None:
        self._at = position

    def tell(self) -> int:
        return self._at


class InPlaceParser(KafkaProtocol):  # type: ignore[misc]  # takes the place of the library's untyped class
    """The library's parser, which says where the next bytes are wanted."""

    def __init__(self, **config: Any) -> None:
        super().__init__(**config)
        self._lobby = memoryview(bytearray(LOBBY_BYTES))
        self._kept = bytearray()
        self._size = b""
        self._frame: memoryview | None = None
        self._received = 0

    def room(self) -> memoryview:
        """Where to receive: the rest of the response that has begun, else the lobby."""
        return self._lobby if self._frame is None else self._frame[self._received :]

    def receive_bytes(self, data: bytes | memoryview) -> list[Any]:
        """The responses that are complete with `data`, as (correlation id, response). Raises KafkaError."""
        rest = memoryview(data)
        responses = []
        while rest:
            rest = self._begin(rest) if self._frame is None else self._fill(self._frame, rest)
            if self._frame is not None and self._received == len(self._frame):
                response, self._frame = Response(self._frame), None
                responses.append(self._process_response(response))
        return responses

    def _begin(self, data: memoryview) -> memoryview:
        """Take the size that a response begins with; the rest."""
        wanted = SIZE.size - len(self._size)
        self._size += data[:wanted]
        if len(self._size) == SIZE.size:
            (size_bytes,) = SIZE.unpack(self._size)
            self._size = b""
            self._validate_frame_size(size_bytes)
            self._frame = memoryview(self._buffer(size_bytes))[:size_bytes]
            self._received = 0
        return data[wanted:]

    def _buffer(self, size_bytes: int) -> bytearray:
        if size_bytes > KEPT_MAX_BYTES:
            return bytearray(size_bytes)
        if size_bytes > len(self._kept):
            self._kept = bytearray(size_bytes)
        return self._kept

    def _fill(self, frame: memoryview, data: memoryview) -> memoryview:
        """Put what belongs to the response into its place, unless it was received there; the rest."""
        taken = data[: len(frame) - self._received]
        if data.obj is not frame.obj:
            frame[self._received : self._received + len(taken)] = taken
        self._received += len(taken)
        return data[len(taken) :]


def patch_receiving() -> None:
    """Let connections receive in place, if the places to say so are still there."""
    if present(RECEIVING):
        connection.KafkaProtocol = InPlaceParser
        transport.KafkaTCPTransport._sock_recv = _receive  # noqa: SLF001 - optional, see above


def _receive(self: Any) -> Received:
    """`KafkaTCPTransport._sock_recv`: what the socket has, and the error that ended it."""
    parser = self._protocol.parser
    if isinstance(parser, InPlaceParser):
        return receive_into(self._sock, parser.room())
    return receive_into(self._sock, memoryview(bytearray(LOBBY_BYTES)))


def receive_into(source: Any, room: memoryview) -> Received:
    """Read a non-blocking socket until it has no more or the room is full."""
    received = 0
    while received < len(room):
        try:
            count = source.recv_into(room[received:])
        except (BlockingIOError, InterruptedError):
            break
        except OSError as failed:
            return b"", errors.KafkaConnectionError(failed)
        if not count:
            return b"", errors.KafkaConnectionError("socket disconnected")
        received += count
    return room[:received], None
