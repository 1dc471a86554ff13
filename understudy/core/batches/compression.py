"""Compression of a batch's records, and decompression that cannot be made to fill the memory."""

from __future__ import annotations

import struct
import zlib
from enum import IntEnum
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from understudy.core.log.errors import CorruptBatch, LogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_INFLATED_BYTES: Final = 32 << 20
"""Default bound of a batch's decompressed records: what brokers accept by default (1 MB), compressed 32 to 1."""

CHUNK_BYTES: Final = 1 << 18
GZIP_WINDOW: Final = 31
XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
XERIAL_HEADER: Final = XERIAL_MAGIC + struct.pack(">ii", 1, 1)
XERIAL_BLOCK_BYTES: Final = 32 << 10
BLOCK_LENGTH: Final = struct.Struct(">i")


class DecompressionTooLarge(LogError):
    """A batch's records are larger, once decompressed, than the bound allows."""


class MissingCodec(LogError):
    """A batch is compressed with a codec whose library is not installed."""


class Codec(IntEnum):
    """How a batch's records are compressed."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def deflate(data: bytes, codec: Codec) -> bytes:
    """Compress. Raises DecompressionTooLarge for what `inflate` would refuse; MissingCodec."""
    if codec is not Codec.NONE and len(data) > MAX_INFLATED_BYTES:
        raise too_large(MAX_INFLATED_BYTES)
    return COMPRESSORS[codec](data)


def inflate(data: bytes | memoryview, codec: Codec, max_bytes: int = MAX_INFLATED_BYTES) -> bytes:
    """Decompress to at most `max_bytes`. Raises DecompressionTooLarge, MissingCodec, CorruptBatch."""
    parts: list[bytes] = []
    size_bytes = 0
    for part in DECOMPRESSORS[codec](data, max_bytes):
        size_bytes += len(part)
        if size_bytes > max_bytes:
            raise too_large(max_bytes)
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(max_bytes: int) -> DecompressionTooLarge:
    """The error for more than `max_bytes`."""
    return DecompressionTooLarge(
        f"A batch's records exceed {max_bytes:,} bytes once decompressed: have the producer send smaller batches."
    )


def library(name: str, extra: str) -> Any:
    """A codec's library, imported when first needed. Raises MissingCodec."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingCodec(
            f"A batch is compressed with {extra}, and its library is missing: pip install 'understudy[{extra}]'"
        ) from error


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=GZIP_WINDOW)
    return packer.compress(data) + packer.flush()


def _gunzip(data: bytes | memoryview, max_bytes: int) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        yield unpacker.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise CorruptBatch(f"A batch's gzip data is corrupt: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise CorruptBatch("A batch's gzip data does not end where the batch ends.")


def _lz4(data: bytes) -> bytes:
    # Kafka's own reader knows independent blocks only, and older ones refuse a stored size.
    frame = library("lz4.frame", "lz4")
    packed: bytes = frame.compress(data, block_linked=False, store_size=False)
    return packed


def _unlz4(data: bytes | memoryview, _: int) -> Iterator[bytes]:
    unpacker = library("lz4.frame", "lz4").LZ4FrameDecompressor()
    try:
        yield unpacker.decompress(data, max_length=CHUNK_BYTES)
        while not (unpacker.eof or unpacker.needs_input):
            yield unpacker.decompress(b"", max_length=CHUNK_BYTES)
    except RuntimeError as error:
        raise CorruptBatch(f"A batch's lz4 data is corrupt: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise CorruptBatch("A batch's lz4 data does not end where the batch ends.")


def _zstd(data: bytes) -> bytes:
    packed: bytes = library("zstandard", "zstd").ZstdCompressor().compress(data)
    return packed


def _unzstd(data: bytes | memoryview, _: int) -> Iterator[bytes]:
    zstandard = library("zstandard", "zstd")
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    try:
        while part := reader.read(CHUNK_BYTES):
            yield part
    except zstandard.ZstdError as error:
        raise CorruptBatch(f"A batch's zstd data is corrupt: {error}") from error


def _snappy(data: bytes) -> bytes:
    snappy = library("cramjam", "snappy").snappy
    out = [XERIAL_HEADER]
    for at in range(0, len(data), XERIAL_BLOCK_BYTES):
        block = bytes(snappy.compress_raw(data[at : at + XERIAL_BLOCK_BYTES]))
        out += (BLOCK_LENGTH.pack(len(block)), block)
    return b"".join(out)


def _unsnappy(data: bytes | memoryview, max_bytes: int) -> Iterator[bytes]:
    cramjam = library("cramjam", "snappy")
    try:
        for block in _snappy_blocks(memoryview(data)):
            size_bytes = cramjam.snappy.decompress_raw_len(block)
            if size_bytes > max_bytes:
                raise too_large(max_bytes)
            yield bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError as error:
        raise CorruptBatch(f"A batch's snappy data is corrupt: {error}") from error


def _snappy_blocks(data: memoryview) -> Iterator[memoryview]:
    """The raw blocks: all of the data, or those of the framing that Java clients use (xerial)."""
    if bytes(data[: len(XERIAL_MAGIC)]) != XERIAL_MAGIC:
        yield data
        return
    at = len(XERIAL_HEADER)
    while at < len(data):
        start = at + BLOCK_LENGTH.size
        if start > len(data):
            raise CorruptBatch("A batch's snappy data ends inside a block's length.")
        (length,) = BLOCK_LENGTH.unpack_from(data, at)
        at = start + length
        if not start < at <= len(data):
            raise CorruptBatch(
                f"A batch's snappy data has a block of {length} bytes where {len(data) - start} are left."
            )
        yield data[start:at]


COMPRESSORS: Final[Mapping[Codec, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        Codec.NONE: bytes,
        Codec.GZIP: _gzip,
        Codec.SNAPPY: _snappy,
        Codec.LZ4: _lz4,
        Codec.ZSTD: _zstd,
    }
)
DECOMPRESSORS: Final[Mapping[Codec, Callable[[bytes | memoryview, int], Iterator[bytes]]]] = MappingProxyType(
    {
        Codec.NONE: lambda data, _: iter((bytes(data),)),
        Codec.GZIP: _gunzip,
        Codec.SNAPPY: _unsnappy,
        Codec.LZ4: _unlz4,
        Codec.ZSTD: _unzstd,
    }
)
