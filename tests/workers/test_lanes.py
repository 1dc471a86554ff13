from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lanes import REQUESTS, end, events, frame, lane
from support.pile import Pile, stored

from understudy.core.batches import Codec
from understudy.core.batches.build import sealed
from understudy.core.frames import FrameError
from understudy.core.log.contract import Output, Position
from understudy.core.log.errors import LogError
from workers.lanes import LanePartition

AT = lane(REQUESTS)


def opened(pile: Pile, committed: Position) -> LanePartition:
    """The lane partition of a new owner, with all that there is to read."""
    partition = LanePartition(AT, "answering", committed)
    partition.feed(pile.batches(REQUESTS, 3, committed.offset))
    return partition


def sources(partition: LanePartition, limit: int) -> list[int]:
    return [offset for part in partition.peek(limit) for offset in part.source_offsets]


def test_records_wait_in_the_lanes_order_under_their_source_offsets() -> None:
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1, 2], 10), events([3], 12)]) + frame(REQUESTS, [events([4, 5], 20)]))

    partition = opened(pile, Position(0))

    assert len(partition) == 5
    assert sources(partition, 100) == [10, 11, 12, 20, 21]
    assert sources(partition, 4) == [10, 11, 12, 20]
    assert len(partition) == 5


def test_looking_moves_nothing_and_dropping_moves_the_position_once() -> None:
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1, 2, 3], 10)]))
    partition = opened(pile, Position(0))

    partition.peek(2)
    assert partition.moved() is None

    partition.drop(2)
    assert partition.moved() == Position(0, '{"done":2}')
    assert partition.moved() is None
    assert sources(partition, 9) == [12]


def test_a_finished_frame_leaves_no_note() -> None:
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1, 2, 3], 10)]))
    partition = opened(pile, Position(0))

    partition.drop(3)

    assert partition.moved() == Position(4)


def test_a_new_owner_goes_on_in_mid_frame() -> None:
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1, 2], 10), events([3, 4], 12)]))

    partition = opened(pile, Position(0, '{"done":3}'))

    assert sources(partition, 9) == [13]
    partition.drop(1)
    assert partition.moved() == Position(5)


def test_an_end_is_passed_over_at_once_when_nothing_waits_before_it() -> None:
    pile = Pile()
    pile.commit(end(REQUESTS, 10))

    partition = opened(pile, Position(0))

    assert len(partition) == 0
    assert partition.moved() == Position(1)


def test_an_end_behind_records_waits_for_them() -> None:
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1], 10)]) + end(REQUESTS, 11) + frame(REQUESTS, [events([2], 30)]))
    partition = opened(pile, Position(0))

    assert partition.moved() is None
    partition.drop(1)
    assert partition.moved() == Position(3)
    assert sources(partition, 9) == [30]


def test_a_batch_that_cannot_be_read_still_says_how_many_records_are_owed() -> None:
    good = stored([b"a" * 100, b"b" * 100], 11, codec=Codec.GZIP)
    pile = Pile()
    pile.commit(frame(REQUESTS, [events([1], 10), sealed(good.header, b"no gzip"), events([4], 13)]))

    parts = opened(pile, Position(0)).peek(9)

    assert [list(part.source_offsets) for part in parts] == [[10], [11, 12], [13]]
    assert [part.unreadable is not None for part in parts] == [False, True, False]
    assert [list(part.columns.values) for part in parts][1] == [None, None]


@pytest.mark.parametrize("note", ["{", "[1]", '{"done":-1}', '{"done":true}', '{"revision":1}'])
def test_a_foreign_note_is_refused(note: str) -> None:
    with pytest.raises(LogError, match=r"requests\[3\]: the note .* not a worker's"):
        LanePartition(AT, "answering", Position(0, note))


def test_records_without_a_header_are_refused() -> None:
    pile = Pile()
    pile.commit([Output(REQUESTS, 3, events([1, 2], 10))])

    with pytest.raises(FrameError):
        opened(pile, Position(0))


frames_of_batches = st.lists(st.lists(st.integers(1, 6), min_size=1, max_size=3), min_size=1, max_size=5)


@settings(max_examples=100, deadline=None)
@given(frames_of_batches, st.lists(st.integers(1, 7), min_size=1, max_size=40), st.data())
def test_restarts_anywhere_lose_nothing_and_repeat_nothing(
    shapes: list[list[int]], takes: list[int], data: st.DataObject
) -> None:
    pile, offset = Pile(), 0
    for shape in shapes:
        batches = []
        for count in shape:
            batches.append(events(range(count), offset))
            offset += count
        pile.commit(frame(REQUESTS, batches))
    committed, seen = Position(0), []
    partition = opened(pile, committed)
    for take in takes:
        if data.draw(st.booleans(), "restart"):
            partition = opened(pile, committed)
        taken = sources(partition, take)
        partition.drop(len(taken))
        seen += taken
        committed = partition.moved() or committed

    assert seen == list(range(len(seen)))
    assert len(seen) == min(sum(takes), offset)
