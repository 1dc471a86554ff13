from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.restoring.comparator import recount
from understudy.app.restoring.errors import CannotRestore
from understudy.core.batches import Record, build
from understudy.core.log.contract import Position, SessionSpec, TopicPartition

if TYPE_CHECKING:
    from support.stopped import Stopped


def test_comparisons_are_emptied_and_counted_from_the_beginning(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    endpoint.route(200)
    comparisons = TopicPartition(names.comparisons, 0)
    endpoint.log.append(comparisons, build([Record(None, b"row", 0)]))
    endpoint.log.delete_records(TopicPartition(names.routes, 1), 2)
    endpoint.lose(names.comparator_group)

    rehearsed = recount(endpoint.log, endpoint.settings, dry_run=True)
    with endpoint.log.admin() as admin:
        assert (admin.positions(names.comparator_group), admin.end_offsets([comparisons])) == ({}, {comparisons: 1})
    found = recount(endpoint.log, endpoint.settings, dry_run=False)

    assert rehearsed == found
    with endpoint.log.admin() as admin:
        positions = admin.positions(names.comparator_group)
        assert admin.end_offsets([comparisons]) == {comparisons: 0}
        assert admin.describe([names.comparisons])[names.comparisons].partitions == 3
    assert len(positions) == 9
    assert positions[TopicPartition(names.routes, 1)] == Position(2)
    assert positions[TopicPartition(names.predictions, 1)] == Position(0)


def test_a_comparator_that_runs_is_not_disturbed(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    topics = (names.routes, names.predictions, names.shadow_predictions)
    with (
        endpoint.log.session(SessionSpec(names.comparator_group, topics, "comparator.0")),
        pytest.raises(CannotRestore, match="stop its comparators first"),
    ):
        recount(endpoint.log, endpoint.settings, dry_run=False)
