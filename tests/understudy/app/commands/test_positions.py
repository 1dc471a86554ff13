from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from support.command_line import CommandLine, furnish
from support.endpoint import Endpoint, until
from support.small_endpoint import PRODUCTION, SHADOW, endpoint_settings, event, register_models
from support.stopped import Stopped

from understudy.app.restoring.errors import CannotRestore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """Roles have worked, and stopped; the router's positions and a worker's are gone."""
    command_line = furnish(tmp_path)
    command_line.release()
    stopped = Stopped(command_line.log, command_line.settings)
    stopped.produce(0, 60)
    stopped.route(50)
    stopped.work(SHADOW, 3)
    stopped.lose("sums.router")
    stopped.lose("sums.worker.sums.v2")
    return command_line


def test_a_rehearsal_shows_what_is_then_set(command_line: CommandLine) -> None:
    for who, group, count in (("router", "sums.router", 3), (SHADOW, "sums.worker.sums.v2", 6)):
        shown = json.loads(command_line.run("positions", "restore", who, "--dry-run", "--json").stdout)
        with command_line.log.admin() as admin:
            assert admin.positions(group) == {}

        done = json.loads(command_line.run("positions", "restore", who, "--json").stdout)

        with command_line.log.admin() as admin:
            positions = admin.positions(group)
        assert len(positions) == count
        assert {(at.topic, at.partition, position.offset, position.note) for at, position in positions.items()} == {
            (each["topic"], each["partition"], each["offset"], each["note"]) for each in shown
        }
        assert [{**each, "set": True} for each in shown] == done


def test_people_get_a_table(command_line: CommandLine) -> None:
    rehearsed = command_line.run("positions", "restore", "router", "--dry-run").stdout
    done = command_line.run("positions", "restore", "router").stdout

    assert "sums.input[0]" in rehearsed
    assert "routes, revision 2" in rehearsed
    assert rehearsed.endswith("Nothing was set: this was a dry run.\n")
    assert done.endswith("3 positions are set.\n")
    assert command_line.run("positions", "restore", "router").stdout == "No position is lost.\n"


def test_a_comparator_is_explained_and_counts_anew_when_asked_to(command_line: CommandLine) -> None:
    with pytest.raises(CannotRestore, match="It can count everything anew, with --recount"):
        command_line.run("positions", "restore", "comparator")

    assert command_line.run("positions", "restore", "comparator", "--recount").stdout.endswith("9 positions are set.\n")


def test_only_a_comparator_counts_anew(command_line: CommandLine) -> None:
    refused = command_line.run("positions", "restore", "router", "--recount")

    assert refused.exit_code == 2
    assert "only a comparator counts anew" in refused.stderr


@pytest.fixture
def endpoint(tmp_path: Path, kafka_bootstrap: str) -> Iterator[Endpoint]:
    furnish(tmp_path)
    register_models(endpoint_settings(tmp_path))
    text = (tmp_path / "understudy.toml").read_text().replace('"sums"', '"restored"', 1)
    endpoint = Endpoint(tmp_path, "restored", kafka_bootstrap)
    endpoint.configure(text)
    yield endpoint
    endpoint.close()


@pytest.mark.kafka
def test_groups_that_kafka_forgot_go_on_where_they_stopped(endpoint: Endpoint) -> None:
    endpoint.run("topics")
    endpoint.release(PRODUCTION)
    for first in (0, 100):
        lines = "\n".join(json.dumps(event(number)) for number in range(first, first + 100))
        endpoint.run("produce", "--key", "id", stdin=lines)
        endpoint.start("router-0", "router")
        endpoint.start("worker-0", "worker", PRODUCTION)
        until(lambda upto=first + 100: endpoint.answered(PRODUCTION) == upto, 60, "every answer")  # type: ignore[misc]
        assert [endpoint.stop("router-0"), endpoint.stop("worker-0")] == [0, 0]
        admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})
        for who, group in (("router", "restored.router"), (PRODUCTION, "restored.worker.sums.v1")):
            admin.delete_consumer_groups([group])[group].result(timeout=30)
            endpoint.run("positions", "restore", who)

    rows = endpoint.run("tail", "predictions", "--from-beginning", "--json").stdout.splitlines()
    assert sorted(json.loads(row)["value"]["event_id"] for row in rows) == sorted(f"event-{n}" for n in range(200))
