from __future__ import annotations

from support.driving import at, batch

from understudy.core.batches import relocate
from understudy.core.log.contract import Position
from understudy.core.log.kafka.progress import Progress

FIRST, SECOND = at("topic", 0), at("topic", 1)


def begun() -> Progress:
    """Records 10 and 11 of the first partition are handed out, and nothing of the second."""
    progress = Progress()
    progress.begin({FIRST: Position(10, "one"), SECOND: Position(20, "two")})
    progress.hand_out({FIRST: [relocate(batch("a", "b"), 10)]})
    return progress


def reached(partition: object) -> int:
    """A marker follows in each partition."""
    return {FIRST: 13, SECOND: 21}[partition]  # type: ignore[index]  # the key is one of these


def test_what_was_handed_out_and_not_committed_is_the_default() -> None:
    progress = begun()
    assert progress.polled() == {FIRST: Position(12, "one")}

    progress.commit({FIRST: Position(12, "new")}, {FIRST: Position(13, "new")})

    assert progress.polled() == {}


def test_a_position_behind_all_that_was_handed_out_is_stored_behind_what_is_not_visible() -> None:
    moved = {FIRST: Position(12, "done")}

    assert begun().to_store(moved, reached)[FIRST] == Position(13, "done")


def test_a_position_amid_what_was_handed_out_is_stored_as_it_is() -> None:
    moved = {FIRST: Position(11, "half")}

    assert begun().to_store(moved, reached)[FIRST] == Position(11, "half")


def test_another_partition_of_which_all_is_done_moves_along_with_its_note() -> None:
    progress = begun()
    moved = {FIRST: Position(11, "half")}
    stored = progress.to_store(moved, reached)
    assert stored[SECOND] == Position(21, "two")

    progress.commit(moved, stored)

    assert progress.to_store({}, reached) == {}


def test_what_is_not_known_to_have_been_read_moves_nothing() -> None:
    assert begun().to_store({FIRST: Position(12)}, lambda _: 0) == {FIRST: Position(12)}


def test_a_partition_that_is_somebody_elses_is_forgotten() -> None:
    progress = begun()

    progress.forget(FIRST)

    assert progress.polled() == {}
    assert FIRST not in progress.next
