"""Routing: from a record's key to a bucket. Pure, and the same for whoever computes it."""

from __future__ import annotations

import struct
from typing import Final

import xxhash

BUCKETS: Final = 1_000_000
"""Shares are whole millionths, so that a share of n takes the buckets below n."""

_IDENTITY: Final = struct.Struct(">iq")


def bucket(key: bytes | None, salt: int, partition: int, offset: int) -> int:
    """The bucket, 0 to 999,999, of the record at `offset` of input partition `partition`.

    It is xxh64 of the key with the salt (unsigned 64-bit) as its seed, modulo a million, so all records of a key
    stay together, and raising a share never takes a key away from it. A record without a key has its identity
    hashed instead: the partition as a 32-bit and the offset as a 64-bit big-endian number.
    """
    hashed = _IDENTITY.pack(partition, offset) if key is None else key
    return xxhash.xxh64_intdigest(hashed, salt) % BUCKETS
