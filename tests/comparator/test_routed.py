from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparing import PRODUCTION, route, shadow

from comparator.routed import RoutedFrame

if TYPE_CHECKING:
    from understudy.deployments.plan import Lane, Part

offsets = st.sets(st.integers(100, 140), min_size=1).map(sorted)


def frame_of(offsets: list[int]) -> RoutedFrame:
    return RoutedFrame.of(route(PRODUCTION, offsets) | {"bitmap": route(PRODUCTION, offsets)["bitmap"]}, 7)


@given(offsets, st.integers(90, 150))
def test_a_frame_has_the_offsets_of_its_row(has: list[int], at: int) -> None:
    frame = frame_of(has)

    assert list(frame.offsets_from(at)) == [offset for offset in has if offset >= at]
    assert frame.count_from(at) == sum(offset >= at for offset in has)
    assert frame.holds(at) is (at in has)
    assert (frame.base, frame.after, frame.count) == (has[0], has[-1] + 1, len(has))


@given(offsets, offsets)
def test_what_two_frames_have_in_common(left: list[int], right: list[int]) -> None:
    assert frame_of(left).shared_with(frame_of(right)) == len({*left} & {*right})


@pytest.mark.parametrize(
    ("lane", "part", "is_opinion"),
    [
        (PRODUCTION, None, True),
        (PRODUCTION, "production", True),
        (PRODUCTION, "canary", False),
        (shadow("s"), None, False),
        (shadow("s"), "shadow", False),
        (shadow("s"), "mirror", True),
    ],
)
def test_a_frame_says_what_the_lane_was_sent_it_for(lane: Lane, part: Part | None, is_opinion: bool) -> None:
    frame = RoutedFrame.of(route(lane, [5], part=part), 7)

    assert frame.is_opinion is is_opinion
    assert frame.part == (part or {"answering": "production", "shadow": "shadow"}[lane.role])


def test_what_could_not_be_sent_is_excluded() -> None:
    frame = RoutedFrame.of(route(PRODUCTION, [5, 7], kind="excluded", part="canary"), 7)

    assert (frame.excluded, frame.count, frame.closes) == (True, 2, False)


@pytest.mark.parametrize("kind", ["frame", "end"])
def test_an_end_has_no_records(kind: str) -> None:
    frame = RoutedFrame.of(route(PRODUCTION, [5], kind=kind), 7)

    assert frame.closes is (kind == "end")
    assert list(frame.offsets_from(0)) == ([] if kind == "end" else [5])
