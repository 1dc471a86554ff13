from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import CommandLine, furnish
from support.small_endpoint import PRODUCTION, SHADOW, register_models

from understudy.core.batches import Record, build
from understudy.core.log.contract import Output
from understudy.deployments.events import Draft, encode
from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """A version in production, a shadow, and an event that came too late."""
    command_line = furnish(tmp_path)
    register_models(command_line.settings)
    command_line.run("topics")
    command_line.run("deploy", PRODUCTION, "--strategy", "basic", "--no-wait", "--reason", "the first one")
    command_line.run("deploy", SHADOW, "--strategy", "shadow", "--no-wait")
    late = Draft("planned", version=PRODUCTION, action="basic", plan=Plan(2, PRODUCTION)).signed(
        "late", 2, 0, "bob@desk"
    )
    append(command_line, encode(late))
    return command_line


def append(command_line: CommandLine, value: bytes) -> None:
    topic = command_line.settings.names.deployments
    with command_line.log.writer("test") as writer:
        assert writer.commit([Output(topic, 0, build([Record(None, value, 0)]))])


def test_nothing_was_released_yet(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    command_line.run("topics")

    assert command_line.run("history").stdout == "Nothing was released yet.\n"


def test_what_took_effect_is_a_story(command_line: CommandLine) -> None:
    told = command_line.run("history").stdout.splitlines()

    assert len(told) == 4
    assert told[1].endswith(
        f" made {PRODUCTION} production (revision 1), without waiting for a worker of {PRODUCTION} that is ready: "
        "the first one."
    )
    assert "bob" not in "".join(told)


def test_all_tells_also_what_had_no_effect_and_why(command_line: CommandLine) -> None:
    told = command_line.run("history", "--all").stdout.splitlines()

    assert len(told) == 5
    assert "bob@desk" in told[4]
    assert "This did not take effect: superseded" in told[4]


def test_as_json(command_line: CommandLine) -> None:
    told = json.loads(command_line.run("history", "--json").stdout)

    assert [each["kind"] for each in told] == ["prepared", "planned", "prepared", "planned"]
    assert told[1]["reason"] == "the first one"


def test_a_history_that_cannot_be_understood_is_said_to_be_frozen(command_line: CommandLine) -> None:
    append(command_line, b"garbage")

    told = command_line.run("history")

    assert len(told.stdout.splitlines()) == 4
    assert told.stderr.startswith("Frozen: the record at offset")
