from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from comparator.feeds import FEEDS, Feed
from comparator.notes import BadNote, Memo, TrackNote, memo_of, notes_of
from comparator.parked import Parked
from comparator.tracks import Track
from understudy.core.log.contract import MAX_NOTE_BYTES, Position

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCTION, CANDIDATE = Track("m:p", "answering"), Track("m:s", "shadow")
SEEN: Mapping[Feed, int] = {"routes": 10, "predictions": 20, "shadow_predictions": 30}
PARKED = Parked(7, 100, 3, 8, 30, 9, True, False, {"routes": 5, "shadow_predictions": 6})


def positions(notes: Mapping[Feed, str]) -> dict[Feed, Position]:
    return {feed: Position(1, notes[feed]) for feed in FEEDS}


def test_what_is_noted_is_known_again() -> None:
    memo = Memo(
        SEEN,
        routes_to=50,
        floor=40,
        tracks={PRODUCTION: TrackNote(45, closed=True), CANDIDATE: TrackNote(7, examples={"mismatched": 2})},
        parked={CANDIDATE: PARKED},
    )

    assert memo_of(positions(notes_of(memo))) == memo


def test_without_notes_nothing_was_counted_yet() -> None:
    assert memo_of({feed: Position(i) for i, feed in enumerate(FEEDS)}) == Memo(
        {"routes": 0, "predictions": 1, "shadow_predictions": 2}
    )


def test_forty_lanes_fit_into_the_notes() -> None:
    lanes = [Track(f"flight-delays-new-york:2024-11-{i:02}", "shadow") for i in range(40)]
    large = Parked(10**9, 10**9, 1_000, 0, 10**9, 10**9, False, True, dict.fromkeys(FEEDS, 10**9))
    memo = Memo(SEEN, 10**9, None, {lane: TrackNote(10**9) for lane in lanes}, dict.fromkeys(lanes, large))

    notes = notes_of(memo)

    assert max(len(note.encode()) for note in notes.values()) <= MAX_NOTE_BYTES
    assert all(json.loads(note)["seen"] == SEEN[feed] for feed, note in notes.items())


@pytest.mark.parametrize("note", ["hello", "{}", '{"revision":1,"production":"m:p","shadows":[]}', "[]", '{"seen":1}'])
def test_a_foreign_note_is_refused_with_the_way_back(note: str) -> None:
    with pytest.raises(BadNote, match="understudy positions restore comparator"):
        memo_of(positions(dict.fromkeys(FEEDS, note)))


def test_notes_belong_together() -> None:
    known = positions(notes_of(Memo(SEEN, tracks={PRODUCTION: TrackNote(1)})))

    with pytest.raises(BadNote):
        memo_of(known | {"predictions": Position(0)})
