from __future__ import annotations

import pytest

from comparator.tracks import Track
from understudy.deployments.plan import Lane


@pytest.mark.parametrize(
    ("track", "source", "lane"),
    [
        (Track("m:v", "answering"), Track("m:v", "answering"), Lane("m:v", "answering")),
        (Track("m:v", "canary"), Track("m:v", "answering"), Lane("m:v", "answering")),
        (Track("m:v", "shadow"), Track("m:v", "shadow"), Lane("m:v", "shadow")),
    ],
    ids=str,
)
def test_a_track_follows_a_lane(track: Track, source: Track, lane: Lane) -> None:
    assert (track.source, track.lane) == (source, lane)
