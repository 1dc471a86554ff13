"""What a new owner of a partition must know beside the three positions, as the three notes committed with them.

All that is not finished is read again from the positions; the notes say what of it was counted before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from comparator.feeds import FEEDS, Feed
from comparator.parked import Parked
from comparator.tracks import Kind, Track
from understudy.core.log.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.core.log.contract import Position

_KINDS: Final[Mapping[str, Kind]] = {"a": "answering", "s": "shadow", "c": "canary"}


class BadNote(LogError):
    """A position's note is not one that a comparator wrote."""


@dataclass(frozen=True, slots=True)
class TrackNote:
    """A track: the next source offset to settle, whether its lane was closed, and the lane's examples, per kind."""

    frontier: int
    closed: bool = False
    examples: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memo:
    """The state of one partition.

    seen: per topic, the offset below which every row was counted. routes_to: every route row below this source
    offset was counted. floor: the first source offset to which an opinion is waited for; None where none is. parked:
    where tracks that fell behind are to be read on.
    """

    seen: Mapping[Feed, int]
    routes_to: int = 0
    floor: int | None = None
    tracks: Mapping[Track, TrackNote] = field(default_factory=dict)
    parked: Mapping[Track, Parked] = field(default_factory=dict)


def notes_of(memo: Memo) -> dict[Feed, str]:
    """The notes of the three positions; tracks are named in the first, and referred to by number in the others."""
    tracks = list(memo.tracks.items())
    examples = {str(i): note.examples for i, (_, note) in enumerate(tracks) if note.examples}
    parked = {str(i): memo.parked[track].to_json() for i, (track, _) in enumerate(tracks) if track in memo.parked}
    return {
        "routes": _dumped(
            seen=memo.seen["routes"],
            routes_to=memo.routes_to,
            floor=memo.floor,
            lanes=[[track.version, track.kind[0], note.frontier, int(note.closed)] for track, note in tracks],
        ),
        "predictions": _dumped(seen=memo.seen["predictions"], examples=examples),
        "shadow_predictions": _dumped(seen=memo.seen["shadow_predictions"], parked=parked),
    }


def memo_of(positions: Mapping[Feed, Position]) -> Memo:
    """The state beside the committed positions; without notes, that of a partition of which nothing was counted.

    Raises BadNote.
    """
    if not any(position.note for position in positions.values()):
        return Memo({feed: position.offset for feed, position in positions.items()})
    try:
        return _memo({feed: json.loads(positions[feed].note) for feed in FEEDS})
    except (KeyError, IndexError, TypeError, ValueError) as error:
        notes = {feed: position.note for feed, position in positions.items()}
        raise BadNote(
            f"The notes beside the comparator's positions are not a comparator's ({error!r}): {notes}. Another program "
            "has committed positions for its group; set them again with `understudy positions restore comparator`."
        ) from error


def _memo(notes: Mapping[Feed, Any]) -> Memo:
    routes, examples, parked = notes["routes"], notes["predictions"]["examples"], notes["shadow_predictions"]["parked"]
    tracks = [Track(version, _KINDS[kind]) for version, kind, _, _ in routes["lanes"]]
    return Memo(
        {feed: notes[feed]["seen"] for feed in FEEDS},
        routes["routes_to"],
        routes["floor"],
        {
            track: TrackNote(frontier, bool(closed), examples.get(str(i), {}))
            for i, (track, (_, _, frontier, closed)) in enumerate(zip(tracks, routes["lanes"], strict=True))
        },
        {tracks[int(i)]: Parked.of_json(items) for i, items in parked.items()},
    )


def _dumped(**note: object) -> str:
    return json.dumps(note, separators=(",", ":"))
