"""Frames: how a lane says which input records it carries.

A lane partition is a sequence of frames. A frame is a header record, alone in its batch, and behind it the records
that it describes, in as many batches as they came in. Headers are recognised by their position and never by their
content: a user's record may look like one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from schemas import single_object
from schemas.contracts import contract, contract_versions, fingerprint
from schemas.errors import Undecodable
from understudy.core.batches import Batch, Columns, Record, build
from understudy.core.log.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.parsing import RecordSchema

WHOLE_PPM: Final = 1_000_000
MAX_SPAN: Final = 400_000
"""Offsets that one header may range over: its bitmap then stays within 50 KB."""


class FrameError(LogError):
    """A lane's records do not follow its frame headers."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """Which input records a frame carries: `count` of those from `base_offset` to `base_offset + span`, exclusive.

    bitmap: None for all of the range; else bit i (least significant first) stands for `base_offset + i`. A header
    with count 0 is an END. share_ppm: the share of the keys that the lane takes.
    """

    revision: int
    source_partition: int
    base_offset: int
    span: int
    count: int
    share_ppm: int = WHOLE_PPM
    bitmap: bytes | None = None

    @property
    def is_end(self) -> bool:
        """Whether this closes the lane in this partition."""
        return self.count == 0

    def offsets(self) -> Sequence[int]:
        """Source offsets of the frame's records, ascending; a range where there is no bitmap."""
        if self.bitmap is None:
            return range(self.base_offset, self.base_offset + self.span)
        bits = np.unpackbits(np.frombuffer(self.bitmap, dtype=np.uint8), bitorder="little")
        offsets: list[int] = (np.flatnonzero(bits) + self.base_offset).tolist()
        return offsets


def bitmap_of(offsets: Sequence[int], base_offset: int) -> bytes:
    """A bit for each offset from `base_offset` to the last of `offsets` (ascending, none below it)."""
    bits = np.zeros(offsets[-1] - base_offset + 1, dtype=np.uint8)
    bits[np.asarray(offsets) - base_offset] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def frame_of(
    offsets: Sequence[int], *, revision: int, source_partition: int, share_ppm: int = WHOLE_PPM
) -> FrameHeader:
    """The header of a frame of these source offsets (ascending, at least one).

    Raises ValueError when they range over more than `MAX_SPAN`.
    """
    base_offset, span = offsets[0], offsets[-1] - offsets[0] + 1
    if span > MAX_SPAN:
        raise ValueError(f"A frame ranges over at most {MAX_SPAN:,} offsets, not {span:,}: make two of it.")
    bitmap = None if span == len(offsets) else bitmap_of(offsets, base_offset)
    return FrameHeader(revision, source_partition, base_offset, span, len(offsets), share_ppm, bitmap)


def end_of(*, revision: int, source_partition: int, base_offset: int, share_ppm: int = WHOLE_PPM) -> FrameHeader:
    """An END: the lane takes nothing from `base_offset` on."""
    return FrameHeader(revision, source_partition, base_offset, 0, 0, share_ppm)


def header_batch(header: FrameHeader, timestamp_ms: int) -> Batch:
    """The header as a batch of one record, without a key."""
    return build([Record(None, encode_header(header), timestamp_ms)])


@dataclass(frozen=True, slots=True)
class FrameSlice:
    """Consecutive records of one frame, from one batch; of an END, none.

    header_offset: of the header record in the lane. first: the frame's index of the first record here.
    source_offsets: of these records, in the input. columns: these records; their offsets are the lane's.
    """

    header: FrameHeader
    header_offset: int
    first: int
    source_offsets: Sequence[int]
    columns: Columns

    @property
    def done(self) -> int:
        """How many of the frame's records lie behind once these are done."""
        return self.first + len(self.columns)

    @property
    def is_last(self) -> bool:
        """Whether the frame ends with these records."""
        return self.done == self.header.count

    @property
    def next_offset(self) -> int:
        """The lane's offset behind these records."""
        return self.columns.offsets[-1] + 1 if len(self.columns) else self.header_offset + 1


@dataclass(slots=True)
class _OpenFrame:
    """The frame that is being read, and how many of its records have come."""

    header: FrameHeader
    header_offset: int
    source_offsets: Sequence[int]
    skip: int
    read: int = 0

    def take(self, columns: Columns, at: int) -> tuple[FrameSlice | None, int]:
        """What the columns from index `at` on hold of the frame, without the records to skip; and where it ends."""
        first = max(self.read, min(self.skip, self.header.count))
        start = at + first - self.read
        end = min(len(columns), at + self.header.count - self.read)
        self.read += end - at
        if start >= end:
            return None, end
        offsets = self.source_offsets[first : first + end - start]
        return FrameSlice(self.header, self.header_offset, first, offsets, columns.between(start, end)), end


class FrameReader:
    """Reads one lane partition, batch by batch, from a frame header on.

    done: how many records of the first frame are not to be given again.
    """

    def __init__(self, done: int = 0) -> None:
        self._done = done
        self._frame: _OpenFrame | None = None

    def feed(self, batch: Batch) -> list[FrameSlice]:
        """What the next batch of the partition holds, in order; nothing for a header whose records are still to come.

        Raises FrameError when a header cannot be read; CorruptBatch, DecompressionTooLarge, MissingCodec.
        """
        columns = batch.columns
        slices: list[FrameSlice | None] = []
        at = 0
        while at < len(columns):
            if self._frame is None:
                slices.append(self._open(columns, at))
                at += 1
            else:
                part, at = self._frame.take(columns, at)
                slices.append(part)
                if self._frame.read == self._frame.header.count:
                    self._frame = None
        return [part for part in slices if part is not None]

    def _open(self, columns: Columns, at: int) -> FrameSlice | None:
        """Begin a frame; an END is over at once."""
        offset = columns.offsets[at]
        header = _header_at(columns, at)
        if self._done > header.count:
            raise FrameError(
                f"{self._done} records of the frame at offset {offset} are said to be done, but it has {header.count}: "
                "the position belongs to another frame."
            )
        if header.is_end:
            return FrameSlice(header, offset, 0, (), columns.between(at, at))
        self._frame = _OpenFrame(header, offset, header.offsets(), skip=self._done)
        self._done = 0
        return None


def _header_at(columns: Columns, at: int) -> FrameHeader:
    offset = columns.offsets[at]
    header = decode_header(columns.values[at] or b"", offset)
    bits = 0 if header.bitmap is None else int.from_bytes(header.bitmap, "little")
    count = header.span if header.bitmap is None else bits.bit_count()
    if not 0 <= header.count == count <= header.span <= MAX_SPAN or bits.bit_length() > header.span:
        raise FrameError(
            f"The frame header at offset {offset} contradicts itself: {header}. Has another program written to this "
            "lane?"
        )
    return header


@cache
def _writers() -> Mapping[bytes, RecordSchema]:
    """Every version of the header's schema that was released, by fingerprint."""
    return MappingProxyType({fingerprint(schema): schema for schema in contract_versions("frame_header")})


def encode_header(header: FrameHeader) -> bytes:
    """Avro single-object encoding of a header."""
    return single_object.encode(contract("frame_header"), asdict(header))


def decode_header(data: bytes, offset: int) -> FrameHeader:
    """The header that `encode_header` made. Raises FrameError, which names `offset`."""
    try:
        return FrameHeader(**single_object.decode(data, _writers().get, contract("frame_header")))
    except Undecodable as error:
        raise FrameError(
            f"A frame header is expected at offset {offset}, and the record there is none ({error}): has another "
            "program written to this lane?"
        ) from error
