from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.found import Found, Gap, gaps, restore
from understudy.core.log.contract import Position, SessionSpec, TopicPartition

if TYPE_CHECKING:
    from support.stopped import Stopped


def test_a_position_outside_of_what_is_left_is_lost_like_one_that_is_gone(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    first, second, third = (TopicPartition(names.input, p) for p in range(3))
    endpoint.lose(names.router_group)
    with endpoint.log.admin() as admin:
        ends = admin.end_offsets([first, second, third])
        admin.set_positions(names.router_group, {first: Position(1), second: Position(2)})
        endpoint.log.delete_records(first, 4)

        found = gaps(admin, names.router_group, [names.input])

    assert found == [Gap(first, Position(1), 4, ends[first]), Gap(third, None, 0, ends[third])]


def test_a_group_that_lives_is_left_alone(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    spec = SessionSpec(names.router_group, (names.input,), "router.0")
    with (
        endpoint.log.session(spec),
        endpoint.log.admin() as admin,
        pytest.raises(CannotRestore, match=r"live members \(router\.0\)"),
    ):
        gaps(admin, names.router_group, [names.input])


def test_records_that_are_lost_are_skipped_only_when_somebody_says_so(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    at = TopicPartition(names.input, 0)
    found = [Found(at, Position(7), "routes", "offsets 3 to 6 were deleted")]
    with endpoint.log.admin() as admin:
        with pytest.raises(
            CannotRestore, match=r"sums\.input\[0\]: offsets 3 to 6 were deleted\)\. .* say --skip-lost"
        ):
            restore(admin, names.router_group, found, skip_lost=False)
        assert admin.positions(names.router_group)[at] == Position(0)

        restore(admin, names.router_group, found, skip_lost=True)

        assert admin.positions(names.router_group)[at] == Position(7)


def test_programs_get_all_of_it() -> None:
    assert Found(TopicPartition("t", 1), Position(7, "note"), "routes").as_json() == {
        "topic": "t",
        "partition": 1,
        "offset": 7,
        "note": "note",
        "source": "routes",
        "lost": "",
    }
