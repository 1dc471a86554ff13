from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings

from understudy.app.provision import CannotProvision, follow_growth, may_owe, provision, provision_version
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, Position, SessionSpec, TopicPartition
from understudy.core.log.errors import LogError, UnknownTopic
from understudy.core.log.memory import MemoryLog
from understudy.deployments.fold import Standing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from understudy.app.provision import Provisioned
    from understudy.core.log.contract import Admin
    from understudy.core.settings import Settings
    from understudy.deployments.lifecycle import Stage

PARTITIONS = 3
VERSIONS = (PRODUCTION, SHADOW)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return endpoint_settings(tmp_path)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def run(log: MemoryLog, settings: Settings, *, create_input: bool = True) -> Provisioned:
    with log.admin() as admin:
        return provision(admin, settings, VERSIONS, create_input=create_input)


def make_input(log: MemoryLog, settings: Settings, partitions: int = PARTITIONS, **config: str) -> None:
    """The user's own input topic, with two events at 0 and 10,000 ms in partition 0."""
    with log.admin() as admin:
        admin.create([NewTopic(settings.names.input, partitions, config=config)])
    for timestamp_ms in (0, 10_000):
        log.append(TopicPartition(settings.names.input, 0), build([Record(None, b"event", timestamp_ms)]))


def starts(log: MemoryLog, group: str) -> dict[str, int]:
    with log.admin() as admin:
        return {str(at): position.offset for at, position in admin.positions(group).items()}


def test_everything_is_made_and_started_once(log: MemoryLog, settings: Settings) -> None:
    names = settings.names

    first = run(log, settings)
    second = run(log, settings)

    assert {row.action for row in first.topics} == {"created"}
    assert {row.action for row in second.topics} == {"there"}
    assert {row.problem for row in second.topics} == {""}
    assert {row.name for row in first.topics} >= {names.input, names.requests(SHADOW), names.comparisons}
    assert [row.set for row in first.groups] == [3, 6, 6, 9]
    assert [row.set for row in second.groups] == [0, 0, 0, 0]
    assert starts(log, names.router_group) == {f"{names.input}[{p}]": 0 for p in range(PARTITIONS)}
    lanes = (names.requests(PRODUCTION), names.shadow_requests(PRODUCTION))
    assert starts(log, names.worker_group(PRODUCTION)) == {f"{t}[{p}]": 0 for t in lanes for p in range(PARTITIONS)}


@pytest.mark.parametrize(("start", "offset"), [("earliest", 0), ("latest", 2), (datetime.fromtimestamp(5, tz=UTC), 1)])
def test_the_router_starts_where_the_settings_say(log: MemoryLog, tmp_path: Path, start: object, offset: int) -> None:
    settings = endpoint_settings(tmp_path, input={"start": start})
    make_input(log, settings)

    run(log, settings)

    assert starts(log, settings.names.router_group)["sums.input[0]"] == offset


def test_our_topics_follow_the_inputs_partitions_and_largest_batch(log: MemoryLog, settings: Settings) -> None:
    make_input(log, settings, 5, **{"max.message.bytes": "2000000"})

    run(log, settings)

    with log.admin() as admin:
        lane = admin.describe([settings.names.requests(PRODUCTION)])[settings.names.requests(PRODUCTION)]
    assert lane.partitions == 5
    assert lane.config["max.message.bytes"] == str(2_000_000 + 65_536)


def test_positions_that_are_there_are_never_moved(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    moved = {TopicPartition(settings.names.input, 0): Position(7, "note")}
    with log.admin() as admin:
        admin.set_positions(settings.names.router_group, moved)

    run(log, settings)

    with log.admin() as admin:
        assert admin.positions(settings.names.router_group).items() >= moved.items()


def test_growth_of_the_input_is_followed_and_new_partitions_start_at_0(log: MemoryLog, tmp_path: Path) -> None:
    settings = endpoint_settings(tmp_path, input={"start": "latest"})
    make_input(log, settings)
    run(log, settings)
    with log.admin() as admin:
        admin.grow(settings.names.input, 4)
    log.append(TopicPartition(settings.names.input, 3), build([Record(None, b"event", 0)]))

    done = run(log, settings)

    grown = {row.name for row in done.topics if row.action == "grown"}
    assert settings.names.predictions in grown
    assert settings.names.deployments not in grown
    assert {row.starts for row in done.groups} == {"as recorded; new partitions at 0"}


def test_growth_is_followed_while_roles_run_and_work_on_the_new_partitions(log: MemoryLog, settings: Settings) -> None:
    make_input(log, settings)
    run(log, settings)
    with log.admin() as admin:
        admin.grow(settings.names.input, 4)
    sessions = [
        log.session(SessionSpec(settings.names.router_group, (settings.names.input,), "router.a")),
        log.session(SessionSpec(settings.names.comparator_group, (settings.names.routes,), "comparator.a")),
    ]
    run(log, settings)
    log.append(TopicPartition(settings.names.routes, 3), build([Record(None, b"row", 0)]))

    again = run(log, settings)

    assert [row.set for row in again.groups] == [0] * len(again.groups)
    for session in sessions:
        session.close()


def test_a_version_that_is_deployed_gets_its_lanes_once(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)

    with log.admin() as admin:
        first = provision_version(admin, settings, "sums:v3")
        second = provision_version(admin, settings, "sums:v3")

    lanes = ["sums.sums.v3.requests", "sums.sums.v3.shadow-requests"]
    assert [(row.name, row.partitions, row.action) for row in first.topics] == [(name, 3, "created") for name in lanes]
    assert [row.action for row in second.topics] == ["there", "there"]
    assert [(row.group, row.set) for row in (*first.groups, *second.groups)] == [
        ("sums.worker.sums.v3", 6),
        ("sums.worker.sums.v3", 0),
    ]
    assert starts(log, "sums.worker.sums.v3") == {f"{lane}[{p}]": 0 for lane in lanes for p in range(PARTITIONS)}


def test_a_version_needs_an_input(log: MemoryLog, settings: Settings) -> None:
    with log.admin() as admin, pytest.raises(CannotProvision, match="run understudy topics first"):
        provision_version(admin, settings, "sums:v3")


def test_a_version_whose_positions_are_lost_is_refused(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    lane = settings.names.shadow_requests(SHADOW)
    with log.admin() as admin:
        admin.delete([lane])
        admin.create([NewTopic(lane, PARTITIONS)])
    log.append(TopicPartition(lane, 2), build([Record(None, b"frame", 0)]))

    with log.admin() as admin, pytest.raises(CannotProvision, match=r"understudy positions restore sums:v2"):
        provision_version(admin, settings, SHADOW)


def test_a_lane_that_is_lost_with_what_it_held_is_not_made(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    lane = settings.names.requests(SHADOW)
    with log.admin() as admin:
        admin.delete([lane])

        done = provision(admin, settings, VERSIONS, only_grow=[SHADOW])
        with pytest.raises(CannotProvision, match=rf"{lane}: it is gone, .* `understudy rollback sums:v2`"):
            provision_version(admin, settings, SHADOW, only_grow=True)
        assert admin.describe([lane]) == {}

        provision_version(admin, settings, SHADOW)
        assert lane in admin.describe([lane])
    assert [(row.name, row.partitions, row.action) for row in done.topics if row.problem] == [(lane, 0, "left")]
    assert {row.group for row in done.groups} >= {settings.names.worker_group(SHADOW)}


@pytest.mark.parametrize(
    ("stage", "pruned", "owes"),
    [
        ("prepared", False, False),
        ("shadow", False, True),
        ("canary", False, True),
        ("production", False, False),
        ("retired", False, True),
        ("retired", True, False),
        ("withdrawn", False, True),
        ("withdrawn", True, False),
    ],
)
def test_which_versions_may_owe_what_a_lost_lane_held(stage: Stage, pruned: bool, owes: bool) -> None:
    assert may_owe(Standing(stage, "0" * 64, pruned=pruned)) is owes


def test_a_version_that_comes_back_when_its_lanes_are_empty_starts_behind_what_was_there(
    log: MemoryLog, settings: Settings
) -> None:
    run(log, settings)
    lane = settings.names.requests(SHADOW)
    at = TopicPartition(lane, 2)
    log.append(at, build([Record(None, b"frame", 0)] * 7))
    log.delete_records(at, 7)
    log._cluster.groups.named(settings.names.worker_group(SHADOW)).positions.clear()

    with log.admin() as admin:
        done = provision_version(admin, settings, SHADOW)

    assert starts(log, settings.names.worker_group(SHADOW))[str(at)] == 7
    assert [(row.set, row.starts) for row in done.groups] == [(6, "at the end of what retention emptied")]


def test_a_version_whose_workers_run_already_is_left_alone(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    lanes = (settings.names.requests(SHADOW), settings.names.shadow_requests(SHADOW))
    with log.session(SessionSpec(settings.names.worker_group(SHADOW), lanes, "worker.a")), log.admin() as admin:
        done = provision_version(admin, settings, SHADOW)

    assert [row.set for row in done.groups] == [0]


def test_growth_is_followed_by_whoever_sees_it_first(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    with log.admin() as admin:
        admin.grow(settings.names.input, 5)
        admin.delete([settings.names.shadow_requests(SHADOW)])

        first = follow_growth(admin, settings, VERSIONS)
        second = follow_growth(admin, settings, VERSIONS)

        lanes = admin.describe([settings.names.requests(SHADOW), settings.names.shadow_requests(SHADOW)])
    assert {row.name for row in first if row.action == "grown"} >= {"sums.routes", "sums.sums.v1.shadow-requests"}
    assert {row.action for row in second} == {"there"}
    assert {name: lane.partitions for name, lane in lanes.items()} == {settings.names.requests(SHADOW): 5}


def test_a_lane_with_more_partitions_than_the_input_is_reported_and_keeps_nothing_else_from_growing(
    log: MemoryLog, settings: Settings
) -> None:
    run(log, settings)
    lane = settings.names.requests(SHADOW)
    with log.admin() as admin:
        admin.grow(lane, 8)
        admin.grow(settings.names.input, 5)

        followed = follow_growth(admin, settings, VERSIONS)
        done = run(log, settings)

        with pytest.raises(CannotProvision, match=rf"{lane}: it has 8 partitions, more than the input's 5, and cannot"):
            provision_version(admin, settings, SHADOW)
    assert [row.name for row in followed if row.action != "grown"] == [settings.names.deployments, lane]
    (left,) = [row for row in done.topics if row.action == "left"]
    assert (left.name, left.partitions) == (lane, 8)
    assert left.problem == "it has 8 partitions, more than the input's 5, and cannot shrink"


def test_a_topic_that_goes_while_it_is_to_grow(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    lane, routes = settings.names.requests(SHADOW), settings.names.routes
    with log.admin() as admin:
        admin.grow(settings.names.input, 5)

        rows = follow_growth(Deleting(admin, lane), settings, VERSIONS)  # type: ignore[arg-type]  # the rest is passed on
        admin.grow(settings.names.input, 6)
        with pytest.raises(UnknownTopic, match=r"sums\.routes"):
            follow_growth(Deleting(admin, routes), settings, VERSIONS)  # type: ignore[arg-type]  # the rest is passed on

    assert [row.name for row in rows if row.action == "left"] == [lane]


class Deleting:
    """An admin before whom somebody deletes a topic that is to grow."""

    def __init__(self, admin: Admin, topic: str) -> None:
        self._admin, self._topic = admin, topic

    def grow(self, topic: str, partitions: int) -> None:
        if topic == self._topic:
            self._admin.delete([topic])
        self._admin.grow(topic, partitions)

    def __getattr__(self, name: str) -> object:
        return getattr(self._admin, name)


def test_two_who_make_and_grow_at_once_do_not_disturb_each_other(log: MemoryLog, settings: Settings) -> None:
    """Each admin acts on what it saw before the other one was done."""
    make_input(log, settings, 2)
    with log.admin() as admin:
        provision(Overtaken(admin, log, settings), settings, VERSIONS)  # type: ignore[arg-type]  # the rest is passed on
        admin.grow(settings.names.input, 4)
        provision(Overtaken(admin, log, settings), settings, VERSIONS)  # type: ignore[arg-type]  # the rest is passed on

        table = admin.describe([settings.names.routes, settings.names.requests(SHADOW)])
    assert {topic.partitions for topic in table.values()} == {4}


class Overtaken:
    """An admin that another one is always a step ahead of."""

    def __init__(self, admin: Admin, log: MemoryLog, settings: Settings) -> None:
        self._admin, self._log, self._settings = admin, log, settings

    def create(self, topics: Sequence[NewTopic]) -> None:
        run(self._log, self._settings)
        self._admin.create(topics)

    def grow(self, topic: str, partitions: int) -> None:
        run(self._log, self._settings)
        if self._admin.describe([topic])[topic].partitions >= partitions:
            raise LogError("there are so many already")  # as a broker says
        self._admin.grow(topic, partitions)

    def __getattr__(self, name: str) -> object:
        return getattr(self._admin, name)


def test_an_input_that_is_missing_can_be_insisted_on(log: MemoryLog, settings: Settings) -> None:
    with pytest.raises(CannotProvision, match=r"sums\.input does not exist"):
        run(log, settings, create_input=False)
    with log.admin() as admin:
        assert admin.describe([settings.names.predictions]) == {}


def test_an_input_made_anew_with_fewer_partitions_is_refused(log: MemoryLog, settings: Settings) -> None:
    run(log, settings)
    with log.admin() as admin:
        admin.delete([settings.names.input])
        admin.create([NewTopic(settings.names.input, 2)])

    with pytest.raises(CannotProvision, match="more than the input's 2"):
        run(log, settings)


@pytest.mark.parametrize("group", ["router", "comparator"])
def test_lost_positions_are_not_replaced_by_a_new_start(log: MemoryLog, settings: Settings, group: str) -> None:
    run(log, settings)
    log.append(TopicPartition(settings.names.routes, 0), build([Record(None, b"row", 0)]))
    # Another endpoint name has no positions, but its topics are these: as after positions have expired.
    with log.admin() as admin:
        forget(log, settings, group)
        with pytest.raises(CannotProvision, match=rf"sums\.{group} has no position in .*\[0\], which hold records"):
            provision(admin, settings, VERSIONS)


def forget(log: MemoryLog, settings: Settings, group: str) -> None:
    """Lose a group's positions, by making the topics that they are in anew."""
    names = settings.names
    with log.admin() as admin:
        if group == "router":
            admin.delete([names.input])
            admin.create([NewTopic(names.input, PARTITIONS)])
        else:
            admin.delete([names.routes])
            admin.create([NewTopic(names.routes, PARTITIONS)])
            log.append(TopicPartition(names.routes, 0), build([Record(None, b"row", 0)]))


def test_a_topic_with_a_wrong_configuration_is_reported(log: MemoryLog, settings: Settings) -> None:
    with log.admin() as admin:
        admin.create([NewTopic(settings.names.predictions, PARTITIONS, config={"max.message.bytes": "1000"})])

    done = run(log, settings)

    (row,) = [row for row in done.topics if row.problem]
    assert row.name == settings.names.predictions
    assert "max.message.bytes is 1000, set it to 1114124" in row.problem
    assert "message.timestamp.type is not set, set it to LogAppendTime" in row.problem
