from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW

from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.worker import worker_positions
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from support.stopped import Stopped


@pytest.mark.parametrize("turns", [0, 1, 4, 11, 200])
@pytest.mark.parametrize(("version", "answers"), [(PRODUCTION, "predictions"), (SHADOW, "shadow-predictions")])
def test_a_worker_goes_on_where_it_stopped(
    endpoint: Stopped, every_event: list[str], turns: int, version: str, answers: str
) -> None:
    endpoint.route(200)
    endpoint.work(version, turns)
    group = endpoint.settings.names.worker_group(version)
    known = endpoint.lose(group)

    found = worker_positions(endpoint.log, endpoint.settings, version)

    assert {each.at for each in found} == known.keys()
    assert {each.lost for each in found} == {""}
    endpoint.set(group, found)
    endpoint.work(version, 200)
    assert endpoint.answered(answers) == every_event


def test_amid_a_frame_the_note_says_how_much_is_done(endpoint: Stopped) -> None:
    endpoint.route(200)
    endpoint.work(PRODUCTION, 5)
    known = endpoint.lose(endpoint.settings.names.worker_group(PRODUCTION))

    found = {each.at: each.position for each in worker_positions(endpoint.log, endpoint.settings, PRODUCTION)}

    amid = {at: position for at, position in known.items() if position.note}
    assert amid
    assert {at: found[at] for at in amid} == amid


def test_what_was_answered_and_deleted_is_no_loss(endpoint: Stopped, every_event: list[str]) -> None:
    """Routers delete requests that were answered; and what stands behind them may begin anywhere."""
    endpoint.route(9)
    endpoint.work(PRODUCTION, 200)
    group = endpoint.settings.names.worker_group(PRODUCTION)
    for at, position in endpoint.lose(group).items():
        endpoint.log.delete_records(at, position.offset)
    endpoint.route(200)

    found = worker_positions(endpoint.log, endpoint.settings, PRODUCTION)

    assert {each.lost for each in found} == {""}
    endpoint.set(group, found)
    endpoint.work(PRODUCTION, 200)
    assert endpoint.answered("predictions") == every_event


def test_what_was_deleted_before_it_was_answered_is_named(endpoint: Stopped) -> None:
    endpoint.route(200)
    at = TopicPartition(endpoint.settings.names.requests(PRODUCTION), 1)
    endpoint.log.delete_records(at, 8)  # amid a frame
    endpoint.lose(endpoint.settings.names.worker_group(PRODUCTION))

    found = {each.at: each for each in worker_positions(endpoint.log, endpoint.settings, PRODUCTION)}

    assert "frames, from source offset 0 on, were deleted unanswered" in found[at].lost
    assert found[at].position.offset > 8
    assert {each.lost for where, each in found.items() if where != at} == {""}


def test_without_the_answers_nothing_is_guessed(endpoint: Stopped) -> None:
    endpoint.route(200)
    endpoint.work(PRODUCTION, 200)
    endpoint.lose(endpoint.settings.names.worker_group(PRODUCTION))
    for partition in range(3):
        at = TopicPartition(endpoint.settings.names.predictions, partition)
        with endpoint.log.admin() as admin:
            endpoint.log.delete_records(at, admin.end_offsets([at])[at])

    with pytest.raises(
        CannotRestore, match=r"has no answer of sums:v1 in partition 0, and its first ones were deleted"
    ):
        worker_positions(endpoint.log, endpoint.settings, PRODUCTION)


def test_positions_that_are_there_stay(endpoint: Stopped) -> None:
    assert worker_positions(endpoint.log, endpoint.settings, SHADOW) == []
