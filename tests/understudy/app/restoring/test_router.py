from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW

from router.adoption import Followed
from router.rows import adopted_row, excluded_row, frame_row
from schemas.encodings import RowEncoder
from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.router import Routed, plans_of, router_positions
from understudy.core.batches import Record, build
from understudy.core.frames import end_of, frame_of
from understudy.core.log.contract import NewTopic, Output, SessionSpec, TopicPartition
from understudy.deployments.events import Draft, encode
from understudy.deployments.plan import Lane, Plan
from understudy.deployments.reading import History

if TYPE_CHECKING:
    from support.stopped import Stopped

PLAN = Plan.shadow(2, PRODUCTION, [SHADOW])
EVENTS = 300
HOUR_MS = 3_600_000


@pytest.mark.parametrize("turns", [3, 9, 200])
def test_a_router_goes_on_where_it_stopped(endpoint: Stopped, every_event: list[str], turns: int) -> None:
    endpoint.route(turns)
    known = endpoint.lose(endpoint.settings.names.router_group)

    found = router_positions(endpoint.log, endpoint.settings)

    routed = {at: position for at, position in known.items() if position.note}
    assert {each.at: each.position.note for each in found} == {at: position.note for at, position in routed.items()}
    assert all(each.position.offset <= routed[each.at].offset for each in found)  # routers pass markers, too
    assert {each.lost for each in found} <= {""}
    endpoint.set(endpoint.settings.names.router_group, found)
    for at in known.keys() - routed.keys():
        endpoint.log._cluster.groups.named(endpoint.settings.names.router_group).positions[at] = known[at]
    endpoint.route(200)
    endpoint.work(PRODUCTION, 200)
    assert endpoint.answered("predictions") == every_event


def test_positions_that_are_there_stay(endpoint: Stopped) -> None:
    endpoint.route(200)

    assert router_positions(endpoint.log, endpoint.settings) == []


def test_a_router_that_runs_is_not_disturbed(endpoint: Stopped) -> None:
    names = endpoint.settings.names
    with (
        endpoint.log.session(SessionSpec(names.router_group, (names.input,), "router.0")),
        pytest.raises(CannotRestore, match="has live members"),
    ):
        router_positions(endpoint.log, endpoint.settings)


def test_what_retention_took_before_it_was_routed_is_named(endpoint: Stopped) -> None:
    endpoint.route(3)
    routed = endpoint.lose(endpoint.settings.names.router_group)
    at = TopicPartition(endpoint.settings.names.input, 0)
    endpoint.log.delete_records(at, routed[at].offset + 5)

    (found,) = [each for each in router_positions(endpoint.log, endpoint.settings) if each.at == at]

    assert found.position.offset == routed[at].offset + 5
    assert found.lost == (
        f"offsets {routed[at].offset} to {routed[at].offset + 4} were deleted before they were routed"
    )


def test_an_input_that_was_made_again_is_not_gone_on_with(endpoint: Stopped) -> None:
    endpoint.route(200)
    names = endpoint.settings.names
    with endpoint.log.admin() as admin:
        admin.delete([names.input])
        admin.create([NewTopic(names.input, 3)])

    with pytest.raises(CannotRestore, match=r"the input was deleted and made again.* under another endpoint name"):
        router_positions(endpoint.log, endpoint.settings)

    with endpoint.log.admin() as admin:
        assert admin.positions(names.router_group) == {}


def test_an_input_that_was_made_again_and_is_as_long_shows_by_its_younger_records(endpoint: Stopped) -> None:
    endpoint.route(200)
    names = endpoint.settings.names
    made_ms = round(time.time() * 1_000)
    with endpoint.log.admin() as admin:
        ends = admin.end_offsets([TopicPartition(names.input, p) for p in range(3)])
        admin.delete([names.input])
        admin.create([NewTopic(names.input, 3)])
    for at, end in ends.items():
        endpoint.log.append(at, build([Record(None, b"another", made_ms + HOUR_MS)] * (end + 9)))

    found = router_positions(endpoint.log, endpoint.settings)

    assert {each.lost for each in found} == {
        f"offset 0 is younger than the routes, which tell of all below {each.position.offset}: where the input was "
        "made again, those records were never routed, and it needs another endpoint name"
        for each in found
    }


def test_without_routes_nothing_is_guessed(endpoint: Stopped) -> None:
    endpoint.route(200)
    endpoint.lose(endpoint.settings.names.router_group)
    for partition in range(3):
        at = TopicPartition(endpoint.settings.names.routes, partition)
        with endpoint.log.admin() as admin:
            endpoint.log.delete_records(at, admin.end_offsets([at])[at])

    with pytest.raises(CannotRestore, match="The routes of partition 0 are gone, too"):
        router_positions(endpoint.log, endpoint.settings)


def test_without_the_deployments_nothing_is_guessed(endpoint: Stopped) -> None:
    endpoint.route(200)
    endpoint.lose(endpoint.settings.names.router_group)
    with endpoint.log.admin() as admin:
        admin.delete([endpoint.settings.names.deployments])
        admin.create([NewTopic(endpoint.settings.names.deployments, 1)])

    with pytest.raises(CannotRestore, match="which the deployments do not know"):
        router_positions(endpoint.log, endpoint.settings)


def test_a_lane_that_was_excluded_stays_so_until_it_is_sent_records_again() -> None:
    production, shadow = PLAN.assignments()
    end, header = (
        end_of(revision=2, source_partition=0, base_offset=5),
        frame_of(range(5, 9), revision=2, source_partition=0),
    )
    routed = Routed()
    for row in (adopted_row(PLAN, end), frame_row(production, header), excluded_row(shadow, header)):
        routed.take(row)

    assert (routed.offset, routed.revision, routed.excluded) == (9, 2, {Lane(SHADOW, "shadow")})
    routed.take(frame_row(shadow, header))
    assert routed.excluded == set()


def test_exclusions_are_in_the_note(endpoint: Stopped) -> None:
    endpoint.route(200)
    at, source = (TopicPartition(topic, 1) for topic in (endpoint.settings.names.routes, endpoint.settings.names.input))
    with endpoint.log.admin() as admin:
        end = admin.end_offsets([source])[source]
    endpoint.produce(EVENTS, EVENTS)
    _, shadow = PLAN.assignments()
    header = frame_of(range(end, end + 4), revision=2, source_partition=1)
    row = RowEncoder.of("avro", "route").encode(excluded_row(shadow, header))
    with endpoint.log.writer("test") as writer:
        assert writer.commit([Output(at.topic, at.partition, build([Record(None, row, 0)]))])
    endpoint.lose(endpoint.settings.names.router_group)

    found = {each.at.partition: each for each in router_positions(endpoint.log, endpoint.settings)}

    assert found[1].position.offset == end + 4
    assert found[1].position.note == Followed(PLAN, frozenset({Lane(SHADOW, "shadow")})).to_note()
    assert found[0].position.note == Followed(PLAN).to_note()


def test_plans_that_did_not_take_effect_are_not_known() -> None:
    drafts = [
        Draft("prepared", version=PRODUCTION, sha256="0" * 64, action="production"),
        Draft("planned", version=PRODUCTION, action="basic", plan=Plan(1, PRODUCTION)),
        Draft("planned", version=PRODUCTION, action="basic", plan=Plan(7, PRODUCTION)),
    ]
    history = History()
    for offset, draft in enumerate(drafts):
        history = history.with_record(offset, encode(draft.signed(str(offset), offset + 1, 0, "test")))

    assert plans_of(history) == {1: Plan(1, PRODUCTION)}
