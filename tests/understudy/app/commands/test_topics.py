from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import furnish

from understudy.app.provision import CannotProvision
from understudy.core.log.contract import NewTopic

if TYPE_CHECKING:
    from pathlib import Path


def test_topics_and_starts_are_shown(tmp_path: Path) -> None:
    shown = furnish(tmp_path).run("topics")

    assert shown.exit_code == 0
    assert "sums.deployments" in shown.stdout
    assert "created" in shown.stdout
    assert "sums.router" in shown.stdout
    assert shown.stderr == ""


def test_lanes_of_the_versions_that_were_deployed_grow_with_the_input(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    command_line.release()
    with command_line.log.admin() as admin:
        admin.grow("sums.input", 5)

    shown = json.loads(command_line.run("topics", "--json").stdout)

    lanes = {row["name"]: (row["partitions"], row["action"]) for row in shown["topics"] if "requests" in row["name"]}
    assert lanes == {
        f"sums.sums.{version}.{lane}": (5, "grown")
        for version in ("v1", "v2")
        for lane in ("requests", "shadow-requests")
    }
    assert {row["name"]: row["partitions"] for row in shown["topics"]}["sums.deployments"] == 1


def test_a_candidates_lane_that_is_lost_stays_so_and_productions_is_made_again(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    command_line.release()
    with command_line.log.admin() as admin:
        admin.delete(["sums.sums.v1.requests", "sums.sums.v2.requests", "sums.sums.v2.shadow-requests"])

    shown = command_line.run("topics", "--json")

    lanes = {row["name"]: row["action"] for row in json.loads(shown.stdout)["topics"] if "requests" in row["name"]}
    assert lanes == {
        "sums.sums.v1.requests": "created",
        "sums.sums.v1.shadow-requests": "there",
        "sums.sums.v2.requests": "left",
        "sums.sums.v2.shadow-requests": "left",
    }
    assert "sums.sums.v2.requests: it is gone" in shown.stderr
    assert "understudy rollback sums:v2" in shown.stderr


def test_as_json(tmp_path: Path) -> None:
    shown = json.loads(furnish(tmp_path).run("topics", "--json").stdout)

    assert shown["topics"][0] == {"name": "sums.input", "partitions": 3, "action": "created", "problem": ""}
    assert shown["groups"][0] == {"group": "sums.router", "partitions": 3, "set": 3, "starts": "earliest"}


def test_a_wrong_configuration_is_complained_of(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    with command_line.log.admin() as admin:
        admin.create([NewTopic("sums.routes", 3)])

    shown = command_line.run("topics", "--json")

    assert "sums.routes: message.timestamp.type is not set, set it to LogAppendTime" in shown.stderr
    assert json.loads(shown.stdout)["topics"]


def test_a_missing_input_may_be_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotProvision):
        furnish(tmp_path).run("topics", "--no-create-input")
