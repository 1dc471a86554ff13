"""Variable-length integers of the record format: zigzag, seven bits to a byte, least significant first."""

from __future__ import annotations

from typing import Final

from understudy.core.log.errors import CorruptBatch

MAX_SHIFT: Final = 63
"""Ten bytes carry 64 bits; nothing in a record is longer."""


def encode_varint(number: int) -> bytes:
    """Zigzag encoding of a signed 64-bit integer."""
    return encode_raw((number << 1) ^ (number >> 63))


def encode_raw(number: int) -> bytes:
    """Encoding of an unsigned number: seven bits to a byte, the top bit says that more follow."""
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits to a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_raw(data: bytes, at: int) -> tuple[int, int]:
    """The unsigned number at `at`, still in zigzag form, and the position behind it.

    Raises CorruptBatch when it is longer than 64 bits, IndexError when the data ends in it.
    """
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that more follow
            return number, at
        shift += 7
        if shift > MAX_SHIFT:
            raise CorruptBatch(f"A number at byte {at - 10} of the records is longer than 64 bits.")


def unzigzag(raw: int) -> int:
    """The signed number of a zigzag form."""
    return (raw >> 1) ^ -(raw & 1)


SMALL_END: Final = 8192
SMALL: Final = tuple(encode_varint(number) for number in range(SMALL_END))
"""Encodings of 0 to 8,191, one or two bytes long: lengths and offset deltas of nearly every record."""
