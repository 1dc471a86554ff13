"""What a lane is to have of an input partition's frames: all of it, or the share of the keys that is the lane's."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Final

from router.gathering import UNREADABLE, Frame, Piece, merged
from understudy.core.batches import split
from understudy.core.frames import MAX_SPAN
from understudy.core.topics import HEADROOM_BYTES
from understudy.deployments.routing import BUCKETS, buckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from router.gathering import Limits
    from understudy.core.batches import Batch

Choice = list[bool]
"""For each record of a piece, whether its bucket is below the share."""

SLACK_BYTES: Final = HEADROOM_BYTES // 2
"""By how much a part may be larger than the batch that it was cut from, which a producer may have compressed better.
More than this might be more than a lane takes."""


class Portions:
    """An input partition's frames, and what lanes are to have of them. What was computed for one lane serves others.

    salt, partition: what buckets depend on besides keys and offsets.
    """

    def __init__(self, frames: Sequence[Frame], salt: int, partition: int, limits: Limits) -> None:
        self._frames = frames
        self._salt = salt
        self._partition = partition
        self._limits = limits
        self._choices: dict[int, list[list[Choice]]] = {}
        self._cut: dict[int, tuple[list[Frame], list[Frame]]] = {}

    def frames(self, wanted: range) -> Sequence[Frame]:
        """The frames of the records in these buckets, which begin at 0 or end at the last one.

        A lane of all buckets has the frames as they are. Of the others, each frame is cut in two, what is then small
        is merged within its frame, and frames without records are left out. A batch that cannot be read stays whole,
        as if its buckets were above every share.
        """
        if len(wanted) == BUCKETS:
            return self._frames
        if not wanted:
            return ()
        share = _share_of(wanted)
        if share not in self._cut:
            self._cut[share] = _cut(self._frames, self._chosen(share), self._limits)
        below, rest = self._cut[share]
        return below if wanted.start == 0 else rest

    def offsets(self, wanted: range) -> Sequence[Sequence[int]]:
        """For each frame, the offsets of its records in these buckets, where there are some; no batch is built."""
        if len(wanted) == BUCKETS:
            return [frame.offsets for frame in self._frames]
        if not wanted:
            return ()
        chosen = self._chosen(_share_of(wanted))
        found = [
            list(chain.from_iterable(map(_offsets, frame.pieces, _sides(choices, below=wanted.start == 0))))
            for frame, choices in zip(self._frames, chosen, strict=True)
        ]
        return [offsets for offsets in found if offsets]

    def _chosen(self, share: int) -> list[list[Choice]]:
        """For each frame and piece, which records are below the share."""
        if share not in self._choices:
            self._choices[share] = [[self._below(piece, share) for piece in frame.pieces] for frame in self._frames]
        return self._choices[share]

    def _below(self, piece: Piece, share: int) -> Choice:
        try:
            keys = piece.batch.columns.keys
        except UNREADABLE:
            # It has no keys to go by. Production gets it, as it does where there is no canary, and answers with errors.
            return [False] * len(piece.offsets)
        return [each < share for each in buckets(keys, self._salt, self._partition, piece.offsets)]


def _share_of(wanted: range) -> int:
    """Where these buckets are cut off from the others."""
    return wanted.stop if wanted.start == 0 else wanted.start


def _sides(choices: Iterable[Choice], *, below: bool) -> Iterable[Choice]:
    return choices if below else [[not choice for choice in each] for each in choices]


def _offsets(piece: Piece, choice: Choice) -> Iterable[int]:
    return compress(piece.offsets, choice)


def _cut(
    frames: Iterable[Frame], chosen: Iterable[Sequence[Choice]], limits: Limits
) -> tuple[list[Frame], list[Frame]]:
    """Of each frame what is below the share, and the rest."""
    below: list[Frame] = []
    rest: list[Frame] = []
    for frame, choices in zip(frames, chosen, strict=True):
        parts = [_parts(piece, choice) for piece, choice in zip(frame.pieces, choices, strict=True)]
        for side, lane in enumerate((below, rest)):
            pieces = chain.from_iterable(part[side] for part in parts)
            # However far apart, one frame's records are within what one header can say.
            together = list(merged(pieces, limits, max_gap=MAX_SPAN))
            if together:
                lane.append(Frame(together))
    return below, rest


def _parts(piece: Piece, choice: Choice) -> tuple[list[Piece], list[Piece]]:
    """The chosen records and the others; the piece itself where it stays whole."""
    if all(choice) or not any(choice):
        return ([piece], []) if choice[0] else ([], [piece])
    below, rest = split(piece.batch, choice)
    return _part(piece, below, choice), _part(piece, rest, [not each for each in choice])


def _part(piece: Piece, batch: Batch | None, choice: Choice) -> list[Piece]:
    if batch is None:
        return []
    part = Piece(batch, list(compress(piece.offsets, choice)))
    return list(_no_larger(part, piece.batch.size_bytes + SLACK_BYTES))


def _no_larger(piece: Piece, most_bytes: int) -> Iterator[Piece]:
    """The piece, halved until its parts are no larger than this."""
    if piece.batch.size_bytes <= most_bytes or piece.batch.count == 1:
        yield piece
        return
    middle = piece.batch.count // 2
    halves = split(piece.batch, [i < middle for i in range(piece.batch.count)])
    for batch, offsets in zip(halves, (piece.offsets[:middle], piece.offsets[middle:]), strict=True):
        if batch is not None:
            yield from _no_larger(Piece(batch, offsets), most_bytes)
