"""What a worker holds of one partition of one lane: records that were polled and are not answered yet."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.core.batches import DecompressionTooLarge, build_columns, relocate
from understudy.core.batches.records import MAX_RECORDS
from understudy.core.frames import FrameReader
from understudy.core.log.contract import Position
from understudy.core.log.errors import CorruptBatch, LogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from understudy.core.batches import Batch, Columns
    from understudy.core.frames import FrameHeader, FrameSlice
    from understudy.core.log.contract import TopicPartition
    from understudy.deployments.plan import Role


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring records of one frame, in the lane's order; columns and source_offsets have one length.

    unreadable: why the batch could not be taken apart; the columns are then empty records in its place.
    """

    role: Role
    header: FrameHeader
    source_offsets: Sequence[int]
    columns: Columns
    unreadable: str | None = None


class LanePartition:
    """A queue of frames. Records are looked at with `peek` and leave with `drop`, which moves the position.

    While a frame is unfinished its position is that of its header, with the number of its records that are done as
    the note: a new owner reads the header again and skips them. Raises LogError for a note that is not a worker's;
    `feed` raises FrameError, MissingCodec, and DecompressionTooLarge for a batch of more records than can be named.
    """

    def __init__(self, at: TopicPartition, role: Role, committed: Position) -> None:
        self.at: Final = at
        self.role: Final[Role] = role
        self._reader: Final = FrameReader(_done(at, committed.note))
        self._queue: Final[deque[tuple[FrameSlice, str | None]]] = deque()
        self._taken = 0
        self._waiting = 0
        self._passed = 0
        self._moved: Position | None = None

    @property
    def passed(self) -> int:
        """Records that are done since this began at its committed position."""
        return self._passed

    def __len__(self) -> int:
        """Records that wait."""
        return self._waiting

    def feed(self, batches: Iterable[Batch]) -> None:
        """Queue what was polled."""
        for batch in batches:
            whole, unreadable = readable(batch)
            for piece in self._reader.feed(whole):
                self._queue.append((piece, unreadable))
                self._waiting += len(piece.columns)
        self._pass_ends()

    def peek(self, limit: int) -> list[Part]:
        """The first records that wait, at most `limit`, which stay where they are."""
        parts = []
        begin = self._taken
        for piece, unreadable in self._queue:
            if limit <= 0:
                break
            end = min(len(piece.columns), begin + limit)
            if end > begin:
                offsets, columns = piece.source_offsets[begin:end], piece.columns.between(begin, end)
                parts.append(Part(self.role, piece.header, offsets, columns, unreadable))
            limit -= end - begin
            begin = 0
        return parts

    def drop(self, count: int) -> None:
        """The first `count` records are done."""
        self._waiting -= count
        self._passed += count
        while count:
            piece = self._queue[0][0]
            step = min(count, len(piece.columns) - self._taken)
            self._taken += step
            count -= step
            self._moved = _position(piece, self._taken)
            if self._taken == len(piece.columns):
                self._queue.popleft()
                self._taken = 0
        self._pass_ends()

    def moved(self) -> Position | None:
        """The position to commit, once; None where nothing moved since the last call."""
        moved, self._moved = self._moved, None
        return moved

    def _pass_ends(self) -> None:
        """An END frame has no records to wait for."""
        while self._queue and not len(self._queue[0][0].columns):
            self._moved = Position(self._queue.popleft()[0].next_offset)


def _position(piece: FrameSlice, taken: int) -> Position:
    done = piece.first + taken
    if done == piece.header.count:
        return Position(piece.columns.offsets[taken - 1] + 1)
    return Position(piece.header_offset, json.dumps({"done": done}, separators=(",", ":")))


def readable(batch: Batch) -> tuple[Batch, str | None]:
    """The batch, or empty records in its place with the reason: its header still says how many are owed an answer."""
    try:
        len(batch.columns)
    except (CorruptBatch, DecompressionTooLarge) as error:
        if batch.count > MAX_RECORDS:
            raise
        nothing = [None] * batch.count
        stand_in = build_columns(nothing, nothing, [batch.base_timestamp_ms] * batch.count)
        return relocate(stand_in, batch.base_offset), str(error)
    return batch, None


def _done(at: TopicPartition, note: str) -> int:
    """How many records of the first frame were answered before."""
    if not note:
        return 0
    try:
        done = json.loads(note)["done"]
    except (KeyError, TypeError, ValueError):
        done = None
    if isinstance(done, bool) or not isinstance(done, int) or done < 0:
        raise LogError(
            f"{at}: the note beside the committed position is not a worker's: {note!r}. Another program has "
            "committed positions for this version's group; set them again with 'understudy positions restore'"
        )
    return done
