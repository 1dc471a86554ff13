from __future__ import annotations

import struct

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from understudy.deployments.routing import BUCKETS, bucket


@pytest.mark.parametrize(
    ("key", "salt", "partition", "offset", "expected"),
    [
        (b"", 0, 0, 0, 0xEF46DB3751D8E999 % 1_000_000),  # xxHash's own test vectors
        (b"a", 0, 0, 0, 0xD24EC4F1A98C6E5B % 1_000_000),
        (b"N12345", 0, 0, 0, 630_575),
        (b"N12345", 1, 3, 9, 319_833),
        (b"N12345", (1 << 64) - 1, 0, 0, 930_915),
        (None, 0, 0, 0, 727_994),
        (None, 0, 3, 1 << 40, 382_516),
        (None, 7, (1 << 31) - 1, (1 << 63) - 1, 973_731),
    ],
)
def test_buckets_never_change(key: bytes | None, salt: int, partition: int, offset: int, expected: int) -> None:
    assert bucket(key, salt, partition, offset) == expected


@given(st.binary(), st.integers(0, (1 << 64) - 1), st.integers(0, 1000), st.integers(0, 1 << 62))
def test_all_records_of_a_key_share_a_bucket(key: bytes, salt: int, partition: int, offset: int) -> None:
    found = bucket(key, salt, partition, offset)

    assert 0 <= found < BUCKETS
    assert found == bucket(key, salt, 0, 0)


@given(st.integers(0, (1 << 64) - 1), st.integers(0, (1 << 31) - 1), st.integers(0, (1 << 63) - 1))
def test_a_null_key_hashes_the_identity_big_endian(salt: int, partition: int, offset: int) -> None:
    identity = struct.pack(">i", partition) + struct.pack(">q", offset)

    assert bucket(None, salt, partition, offset) == xxhash.xxh64_intdigest(identity, seed=salt) % 1_000_000
