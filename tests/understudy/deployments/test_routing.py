from __future__ import annotations

import struct

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from understudy.deployments.routing import BUCKETS, bucket, buckets


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


@given(st.lists(st.one_of(st.none(), st.binary())), st.integers(0, (1 << 63) - 1), st.integers(0, 1 << 62))
def test_many_at_once_are_the_same(keys: list[bytes | None], salt: int, base_offset: int) -> None:
    offsets = range(base_offset, base_offset + len(keys))

    assert buckets(keys, salt, 5, offsets) == [
        bucket(key, salt, 5, offset) for key, offset in zip(keys, offsets, strict=True)
    ]


@pytest.mark.parametrize("salt", [0, 1, (1 << 63) - 1])
def test_shares_of_a_million_keys_are_what_was_asked_for(salt: int) -> None:
    found = np.array(buckets([b"key-%d" % number for number in range(1_000_000)], salt, 0, range(1_000_000)))

    for share_ppm in (10_000, 50_000, 250_000, 500_000):
        # Four standard deviations of a fair draw.
        assert (
            abs((found < share_ppm).mean() * BUCKETS - share_ppm) < 4 * (share_ppm * (1 - share_ppm / BUCKETS)) ** 0.5
        )
