"""Routing: from a record's key to a bucket. Pure, and the same for whoever computes it."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import xxhash

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def buckets(keys: Sequence[bytes | None], salt: int, partition: int, offsets: Sequence[int]) -> list[int]:
    """`bucket` of each record of input partition `partition`, given as columns of one length."""
    digest = xxhash.xxh64_intdigest
    if None in keys:
        return [bucket(key, salt, partition, offset) for key, offset in zip(keys, offsets, strict=True)]
    return [digest(key, salt) % BUCKETS for key in keys]  # type: ignore[arg-type]  # none of them is None
