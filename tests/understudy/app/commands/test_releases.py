from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import CommandLine, furnish
from support.small_endpoint import PRODUCTION, SHADOW, register_models

from understudy.app.releasing.errors import NotFinished
from understudy.deployments.errors import Refused
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from pathlib import Path

    from understudy.deployments.fold import State


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """An endpoint with topics, and two registered versions."""
    command_line = furnish(tmp_path)
    register_models(command_line.settings)
    command_line.run("topics")
    return command_line


@pytest.fixture
def in_production(command_line: CommandLine) -> CommandLine:
    command_line.run("deploy", PRODUCTION, "--strategy", "basic", "--no-wait")
    return command_line


def state(command_line: CommandLine) -> State:
    return DeploymentsLog(command_line.log, command_line.settings.names, "test").read().state


def test_from_the_first_version_to_a_promotion_and_back(in_production: CommandLine) -> None:
    run = in_production.run

    said = [
        run("deploy", SHADOW, "--strategy", "shadow", "--no-wait"),
        run("deploy", SHADOW, "--strategy", "canary", "--share", "2.5", "--no-wait", "--reason", "agrees"),
        run("pause", "--reason", "slow"),
        run("resume"),
        run("promote", SHADOW, "--no-wait"),
        run("rollback", "--no-wait", SHADOW, "--reason", "wrong at night"),
    ]

    assert [each.exit_code for each in said] == [0] * 6
    forced, forced_back = (
        f"without waiting for a worker of {version} that is ready" for version in (SHADOW, PRODUCTION)
    )
    assert [each.stdout for each in said] == [
        f"Made {SHADOW} a shadow of {PRODUCTION} (revision 2), {forced}.\n",
        f"Made {SHADOW} the canary with 2.5 % of the keys, mirrored (revision 3), {forced}: agrees.\n",
        f"Paused {SHADOW}: slow.\n",
        f"Resumed {SHADOW}.\n",
        f"Promoted {SHADOW} over {PRODUCTION} (revision 4), {forced}.\n",
        f"Rolled production back from {SHADOW} to {PRODUCTION} (revision 5), {forced_back}: wrong at night.\n",
    ]


def test_a_deployment_as_json(command_line: CommandLine) -> None:
    told = json.loads(command_line.run("deploy", PRODUCTION, "--strategy", "basic", "--no-wait", "--json").stdout)

    assert told["plan"]["production"] == PRODUCTION
    assert (told["kind"], told["action"], told["adopted_s"]) == ("planned", "basic", None)


def test_who_waits_is_told_what_for_and_how_to_go_on(command_line: CommandLine) -> None:
    with pytest.raises(NotFinished, match=r"Go on with: understudy deploy sums:v1 --strategy basic\. Take the") as late:
        command_line.run("deploy", PRODUCTION, "--strategy", "basic", "--timeout", "0")

    assert "Not ready after 0 s" in str(late.value)
    assert state(command_line).stage(PRODUCTION) == "prepared"


def test_a_canary_may_be_unmirrored_and_have_a_salt(in_production: CommandLine) -> None:
    in_production.run("deploy", SHADOW, "--strategy", "canary", "--unmirrored", "--salt", "9", "--no-wait")

    plan = state(in_production).plan
    assert plan is not None
    assert plan.canary is not None
    assert (plan.canary.share_ppm, plan.canary.mirrored, plan.salt) == (50_000, False, 9)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["deploy", SHADOW], "Missing option '--strategy'"),
        (["deploy", SHADOW, "--strategy", "canary", "--share", "0"], "'0' is no share"),
        (["deploy", SHADOW, "--strategy", "canary", "--share", "101"], "'101' is no share"),
        (["deploy", SHADOW, "--strategy", "shadow", "--share", "5"], "are for --strategy canary"),
        (["deploy", SHADOW, "--strategy", "blue-green"], "blue-green"),
    ],
)
def test_wrong_usage_is_status_2(command_line: CommandLine, arguments: list[str], why: str) -> None:
    refused = command_line.run(*arguments)

    assert refused.exit_code == 2
    assert why in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["promote"], "no canary and no shadow to promote"),
        (["rollback"], "nothing to roll back"),
        (["pause"], "no canary and no shadow to pause"),
        (["resume", PRODUCTION], "only the canary and shadows can be paused and resumed"),
    ],
)
def test_what_makes_no_sense_is_refused(in_production: CommandLine, arguments: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        in_production.run(*arguments)
