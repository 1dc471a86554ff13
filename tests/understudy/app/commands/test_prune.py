from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import CommandLine, furnish
from support.small_endpoint import SHADOW

from understudy.core.log.contract import Position, TopicPartition
from understudy.deployments.errors import Refused
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """A shadow was taken back just now, and every router has adopted that."""
    command_line = furnish(tmp_path)
    command_line.release()
    command_line.run("rollback", SHADOW, "--no-wait")
    names = command_line.settings.names
    plan = DeploymentsLog(command_line.log, names, "test").read().state.plan
    assert plan is not None
    with command_line.log.admin() as admin:
        admin.set_positions(
            names.router_group, {TopicPartition(names.input, p): Position(0, plan.to_note()) for p in range(3)}
        )
    return command_line


def lanes(command_line: CommandLine) -> int:
    with command_line.log.admin() as admin:
        return len(admin.describe(["sums.sums.v2.requests", "sums.sums.v2.shadow-requests"]))


def test_what_has_just_left_stays_unless_it_is_named(command_line: CommandLine) -> None:
    kept = command_line.run("prune", "--yes")

    assert kept.stdout == "There is nothing to delete.\n"
    assert kept.stderr == "sums:v2 stays: it left less than 7 days ago.\n"

    done = command_line.run("prune", SHADOW, "--yes", "--reason", "tidy")

    assert done.stdout == "Deleted the topics of sums:v2: sums.sums.v2.requests, sums.sums.v2.shadow-requests.\n"
    assert lanes(command_line) == 0
    assert command_line.run("history").stdout.endswith("deleted the topics of sums:v2: tidy.\n")


def test_it_asks_and_does_nothing_without_a_yes(command_line: CommandLine) -> None:
    asked = command_line.run("prune", "--left-days", "0", stdin="n\n")

    assert asked.exit_code == 1
    assert "Delete sums.sums.v2.requests, sums.sums.v2.shadow-requests?" in asked.stderr
    assert lanes(command_line) == 2


def test_a_yes_is_enough(command_line: CommandLine) -> None:
    done = command_line.run("prune", "--left-days", "0", stdin="y\n")

    assert done.exit_code == 0
    assert lanes(command_line) == 0


def test_as_json(command_line: CommandLine) -> None:
    done = command_line.run("prune", SHADOW, "--yes", "--json")

    assert json.loads(done.stdout) == {
        "pruned": [{"version": SHADOW, "topics": ["sums.sums.v2.requests", "sums.sums.v2.shadow-requests"]}]
    }


def test_production_is_not_pruned(command_line: CommandLine) -> None:
    with pytest.raises(Refused, match="sums:v1 has not left"):
        command_line.run("prune", "sums:v1", "--yes")
