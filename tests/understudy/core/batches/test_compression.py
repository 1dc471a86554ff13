from __future__ import annotations

import contextlib
import gzip
import os
import struct
import sys
from typing import Any

import cramjam
import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from support.batch_oracle import THEIRS

from understudy.core.batches.compression import (
    MAX_INFLATED_BYTES,
    Codec,
    DecompressionTooLarge,
    MissingCodec,
    deflate,
    inflate,
)
from understudy.core.log.errors import CorruptBatch

PACKED = tuple(THEIRS)
SAMPLES = [
    b"x",
    b"abc" * 50_000,
    os.urandom(100_000),
    bytes(3_000_000),
    b"".join(b"%d" % number for number in range(90_000)),
]


@pytest.mark.parametrize("data", SAMPLES, ids=["one", "repeated", "random", "zeros", "digits"])
@pytest.mark.parametrize("codec", PACKED)
def test_what_we_compress_kafka_python_reads_and_the_other_way_round(codec: Codec, data: bytes) -> None:
    theirs = THEIRS[codec]

    assert theirs.decompress(deflate(data, codec)) == data
    assert inflate(theirs.compress(data), codec) == data
    assert inflate(memoryview(deflate(data, codec)), codec) == data


def test_uncompressed_data_stay_as_they_are() -> None:
    assert deflate(b"abc", Codec.NONE) == inflate(b"abc", Codec.NONE) == b"abc"


def test_snappy_is_read_without_framing_too() -> None:
    data = b"abc" * 50_000

    assert inflate(bytes(cramjam.snappy.compress_raw(data)), Codec.SNAPPY) == data


def test_snappy_of_clients_that_mark_the_framing_otherwise_is_read() -> None:
    framed = deflate(b"abc" * 50_000, Codec.SNAPPY)
    little_endian = framed[:8] + struct.pack("<ii", 1, 1) + framed[16:]

    assert inflate(little_endian, Codec.SNAPPY) == b"abc" * 50_000


def test_zstd_in_several_frames_is_read_as_one() -> None:
    frames = zstandard.compress(b"abc") + zstandard.compress(b"def")

    assert inflate(frames, Codec.ZSTD) == b"abcdef"


def test_lz4_blocks_are_independent_because_kafka_reads_no_others() -> None:
    frame = lz4.frame.get_frame_info(deflate(b"abc" * 50_000, Codec.LZ4))

    assert not frame["block_linked"]
    assert frame["content_size"] == 0


@pytest.mark.parametrize("codec", PACKED)
def test_decompression_stops_at_the_bound(codec: Codec) -> None:
    packed = deflate(bytes(2_000_000), codec)

    assert len(inflate(packed, codec, max_bytes=2_000_000)) == 2_000_000
    with pytest.raises(DecompressionTooLarge, match="1,999,999 bytes"):
        inflate(packed, codec, max_bytes=1_999_999)


@pytest.mark.parametrize("codec", PACKED)
def test_a_bomb_is_refused_by_default(codec: Codec) -> None:
    bomb = THEIRS[codec].compress(bytes(MAX_INFLATED_BYTES + 1))

    with pytest.raises(DecompressionTooLarge):
        inflate(bomb, codec)
    with pytest.raises(DecompressionTooLarge):
        deflate(bytes(MAX_INFLATED_BYTES + 1), codec)


def test_a_snappy_block_that_only_claims_to_be_large_is_refused_before_it_is_made() -> None:
    with pytest.raises(DecompressionTooLarge):
        inflate(b"\xff\xff\xff\xff\x0f" + b"\x00a", Codec.SNAPPY)


@pytest.mark.parametrize("codec", PACKED)
def test_data_that_are_cut_off_are_corrupt_or_shorter(codec: Codec) -> None:
    packed = deflate(b"".join(b"%d" % number for number in range(20_000)), codec)

    for end in (*range(40), len(packed) // 2, len(packed) - 1):
        with contextlib.suppress(CorruptBatch):
            assert len(inflate(packed[:end], codec)) < 90_000


@pytest.mark.parametrize("codec", PACKED)
def test_bytes_behind_the_compressed_data_are_corrupt(codec: Codec) -> None:
    with pytest.raises(CorruptBatch):
        inflate(deflate(b"abc", codec) + b"!", codec)


def test_a_second_gzip_member_is_corrupt_because_no_producer_writes_one() -> None:
    with pytest.raises(CorruptBatch, match="does not end"):
        inflate(gzip.compress(b"abc") + gzip.compress(b"def"), Codec.GZIP)


@pytest.mark.parametrize("length", [-1, 0, 2, 1 << 30])
def test_a_snappy_block_with_an_impossible_length_is_corrupt(length: int) -> None:
    framed = deflate(b"", Codec.SNAPPY) + struct.pack(">i", length) + b"\x00"

    with pytest.raises(CorruptBatch, match=f"block of {length} bytes where 1 are left"):
        inflate(framed, Codec.SNAPPY)


@given(st.sampled_from(PACKED), st.binary(max_size=200))
def test_rubbish_raises_nothing_but_our_errors(codec: Codec, rubbish: bytes) -> None:
    for data in (rubbish, deflate(b"abc" * 100, codec)[:9] + rubbish):
        with contextlib.suppress(CorruptBatch, DecompressionTooLarge):
            inflate(data, codec)


@pytest.mark.parametrize(
    ("codec", "module", "extra"),
    [(Codec.SNAPPY, "cramjam", "snappy"), (Codec.LZ4, "lz4.frame", "lz4"), (Codec.ZSTD, "zstandard", "zstd")],
)
def test_a_missing_library_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch, codec: Codec, module: str, extra: str
) -> None:
    packed = deflate(b"abc", codec)
    absent: Any = None
    monkeypatch.setitem(sys.modules, module, absent)

    for attempt, data in ((deflate, b"abc"), (inflate, packed)):
        with pytest.raises(MissingCodec, match=rf"pip install 'understudy\[{extra}\]'"):
            attempt(data, codec)
