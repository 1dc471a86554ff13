from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from understudy.app.brokers.choice import choose
from understudy.app.brokers.local import answers
from understudy.app.demo import scenery
from understudy.app.demo.cast import Processes, Threads
from understudy.app.demo.checklist import Checklist
from understudy.app.demo.stage import item, stage
from understudy.app.provision import provision
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.memory import MemoryLog

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.app.brokers.choice import Choice
    from understudy.core.topics import EndpointTopics


def checklist(choice: Choice) -> Checklist:
    return Checklist([item(choice)])


def test_in_memory_the_roles_are_threads_of_this_process(tmp_path: Path) -> None:
    choice = choose("memory")
    steps = checklist(choice)

    with stage(choice, tmp_path, steps, pytest.fail) as made:
        assert isinstance(made.log, MemoryLog)
        assert isinstance(made.cast, Threads)
        assert made.settings.endpoint == "flights"

    assert [step.state for step in steps.items] == ["done"]


@pytest.mark.kafka
def test_on_a_given_broker_each_demo_has_topics_of_its_own_and_deletes_them(
    tmp_path: Path, kafka_bootstrap: str
) -> None:
    choice = choose(kafka_bootstrap)
    said: list[str] = []
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    log = KafkaLog(kafka_bootstrap)

    def exist(names: EndpointTopics) -> bool:
        with log.admin() as admin:
            return set(admin.describe([names.input, names.predictions])) == {names.input, names.predictions}

    with stage(choice, tmp_path / "one", checklist(choice), said.append) as one:
        with one.log.admin() as admin:
            provision(admin, one.settings)
        with stage(choice, tmp_path / "other", checklist(choice), said.append) as other:
            assert isinstance(other.cast, Processes)
            assert one.settings.endpoint != other.settings.endpoint
            with other.log.admin() as admin:
                provision(admin, other.settings)
            assert exist(other.settings.names)
        assert exist(one.settings.names)
        assert not exist(other.settings.names)
    assert not exist(one.settings.names)
    assert said == [
        f"The topics {endpoint}.* were this demo's, and are deleted."
        for endpoint in (other.settings.endpoint, one.settings.endpoint)
    ]


@pytest.mark.kafka
def test_on_a_given_broker_flights_of_2013_are_kept_whatever_the_cluster_keeps(
    tmp_path: Path, kafka_bootstrap: str
) -> None:
    choice = choose(kafka_bootstrap)

    with stage(choice, tmp_path, checklist(choice), lambda _: None) as made, made.log.admin() as admin:
        name = made.settings.names.input
        made_here = admin.describe([name])[name]

    assert made_here.config["retention.ms"] == "-1"
    assert made_here.partitions == scenery.PARTITIONS


@pytest.mark.kafka
def test_a_broker_of_ours_runs_as_long_as_it_is_needed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--broker") not in {"auto", "local"}:
        pytest.skip("NOT RUN, starts a broker: --broker local")
    choice = choose("local")
    steps = checklist(choice)

    with stage(choice, tmp_path, steps, pytest.fail) as made:
        bootstrap = made.settings.kafka.bootstrap
        with made.log.admin() as admin:
            provision(admin, made.settings)
            assert answers(bootstrap)
            assert admin.describe([made.settings.names.input])[made.settings.names.input].partitions == 4
        assert steps.items[0].what.endswith(f"on {bootstrap}")

    assert not answers(bootstrap)


def test_the_demo_has_as_many_partitions_as_it_says() -> None:
    assert f"partitions = {scenery.PARTITIONS}" in scenery.settings_text("flights", None)
