from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.comparing import PRODUCTION, route

from comparator.routed import RoutedFrame

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


@pytest.mark.parametrize("kind", ["frame", "end"])
def test_an_end_has_no_records(kind: str) -> None:
    frame = RoutedFrame.of(route(PRODUCTION, [5], kind=kind), 7)

    assert frame.closes is (kind == "end")
    assert list(frame.offsets_from(0)) == ([] if kind == "end" else [5])
