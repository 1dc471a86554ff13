from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings

from understudy.app.provision import CannotProvision, provision
from understudy.core.batches import Record, build
from understudy.core.log.contract import NewTopic, Position, SessionSpec, TopicPartition
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.app.provision import Provisioned
    from understudy.core.settings import Settings

PARTITIONS = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return endpoint_settings(tmp_path)


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog()


def run(log: MemoryLog, settings: Settings, *, create_input: bool = True) -> Provisioned:
    with log.admin() as admin:
        return provision(admin, settings, create_input=create_input)


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


def test_a_version_that_joins_the_plan_gets_its_lanes(log: MemoryLog, settings: Settings, tmp_path: Path) -> None:
    run(log, settings)

    later = endpoint_settings(tmp_path, plan={"revision": 2, "production": PRODUCTION, "shadows": ["sums:v3"]})
    done = run(log, later)

    created = {row.name for row in done.topics if row.action == "created"}
    assert created == {"sums.sums.v3.requests", "sums.sums.v3.shadow-requests"}


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
            provision(admin, settings)


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
