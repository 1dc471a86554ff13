"""From the batches of one input partition to frames of batches that can be forwarded byte for byte."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final

from understudy.core.batches import DecompressionTooLarge, MissingCodec, merge, rebuild, split
from understudy.core.frames import MAX_SPAN
from understudy.core.log.errors import CorruptBatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from understudy.core.batches import Batch

MAX_GAP: Final = 1_024
"""Offsets that may be missing between two batches under one header, whose bitmap has a bit for each."""

UNREADABLE: Final = (CorruptBatch, DecompressionTooLarge, MissingCodec)


@dataclass(frozen=True, slots=True)
class Limits:
    """How far batches are put together.

    merge_below_bytes: neighbouring batches are merged while the result stays below this, since every further batch
    of a partition costs a request of its own; 0 leaves every batch as it is. merge_records: a batch of more records
    is never merged, for that costs 1.5 microseconds a record and more, and a request 100 or so. frame_bytes: about
    how much one frame holds, and so how much a worker reads again after a restart.
    """

    merge_below_bytes: int = 64 * 1024
    merge_records: int = 64
    frame_bytes: int = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """A batch that can be forwarded, and the input offsets of its records: ascending, at least one."""

    batch: Batch
    offsets: Sequence[int]


@dataclass(frozen=True, slots=True)
class Frame:
    """Neighbouring pieces that go under one header; at least one."""

    pieces: list[Piece] = field(default_factory=list)

    @property
    def batches(self) -> list[Batch]:
        return [piece.batch for piece in self.pieces]

    @property
    def timestamp_ms(self) -> int:
        return self.pieces[-1].batch.max_timestamp_ms

    @property
    def offsets(self) -> Sequence[int]:
        """Of all its records; a range where none is missing."""
        return _joined_offsets(self.pieces)


def gather(batches: Iterable[Batch], limits: Limits) -> list[Frame]:
    """The frames of one partition's batches, which are given in order; batches without records make none.

    Raises CorruptBatch, DecompressionTooLarge or MissingCodec for a batch that cannot be forwarded as it is and
    cannot be read either: leaving it out would lose its records.
    """
    frames: list[Frame] = []
    size_bytes = 0
    for piece in merged(chain.from_iterable(map(_pieces, batches)), limits):
        size_bytes += piece.batch.size_bytes
        if not frames or size_bytes > limits.frame_bytes or not _may_follow(frames[-1], piece):
            frames.append(Frame())
            size_bytes = piece.batch.size_bytes
        frames[-1].pieces.append(piece)
    return frames


def _may_follow(frame: Frame, piece: Piece) -> bool:
    """Whether one header can speak for both: it says what is missing in between offset by offset."""
    return _gap(frame.pieces[-1], piece) <= MAX_GAP and piece.offsets[-1] - frame.pieces[0].offsets[0] < MAX_SPAN


def _pieces(batch: Batch) -> Iterable[Piece]:
    """The batch itself where that is possible, and else what is rebuilt from its records."""
    if batch.is_forwardable and batch.count <= MAX_SPAN:
        return [Piece(batch, range(batch.base_offset, batch.next_offset))]
    offsets = batch.columns.offsets
    return _within_span(Piece(rebuild(batch), offsets)) if offsets else ()


def _within_span(piece: Piece) -> Iterator[Piece]:
    """The piece, halved until each part's offsets fit under one header."""
    base, middle = piece.offsets[0], (piece.offsets[0] + piece.offsets[-1] + 1) // 2
    if piece.offsets[-1] - base < MAX_SPAN:
        yield piece
        return
    lower = [offset for offset in piece.offsets if offset < middle]
    parts = split(piece.batch, [offset < middle for offset in piece.offsets])
    for batch, offsets in zip(parts, (lower, piece.offsets[len(lower) :]), strict=True):
        if batch is not None:
            yield from _within_span(Piece(batch, offsets))


def merged(pieces: Iterable[Piece], limits: Limits, max_gap: int = MAX_GAP) -> Iterator[Piece]:
    """Neighbours put together while they are small and near each other: at most `max_gap` offsets apart."""
    run: list[Piece] = []
    size_bytes = 0
    for piece in pieces:
        size_bytes += piece.batch.size_bytes
        fits = size_bytes <= limits.merge_below_bytes
        if run and not (fits and _few(run[-1], piece, limits) and _gap(run[-1], piece) <= max_gap):
            yield from _joined(run)
            run, size_bytes = [], piece.batch.size_bytes
        run.append(piece)
    yield from _joined(run)


def _few(piece: Piece, following: Piece, limits: Limits) -> bool:
    return max(piece.batch.count, following.batch.count) <= limits.merge_records


def _gap(piece: Piece, following: Piece) -> int:
    """Offsets missing between two pieces."""
    return following.offsets[0] - piece.offsets[-1] - 1


def _joined(run: Sequence[Piece]) -> Sequence[Piece]:
    """One piece of several; the run as it is where a batch of it cannot be read, which forwarding does not need."""
    if len(run) <= 1:
        return run
    try:
        return [Piece(merge([piece.batch for piece in run]), _joined_offsets(run))]
    except UNREADABLE:
        return run


def _joined_offsets(pieces: Sequence[Piece]) -> Sequence[int]:
    span = range(pieces[0].offsets[0], pieces[-1].offsets[-1] + 1)
    if sum(len(piece.offsets) for piece in pieces) == len(span):
        return span
    return list(chain.from_iterable(piece.offsets for piece in pieces))
