from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import furnish
from support.small_endpoint import event

from understudy.core.log.errors import UnknownTopic

if TYPE_CHECKING:
    from pathlib import Path

    from support.command_line import CommandLine


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """An endpoint with ten events."""
    command_line = furnish(tmp_path)
    command_line.run("topics")
    command_line.run("produce", "--key", "id", "--time", "at", stdin="\n".join(json.dumps(event(n)) for n in range(10)))
    return command_line


def test_records_are_shown_as_lines(command_line: CommandLine) -> None:
    lines = command_line.run("tail", "input", "--limit", "2").stdout.splitlines()

    assert len(lines) == 2
    assert lines[1].endswith("1970-01-01 00:00:09 event-9: id=event-9 a=2 b=4 at=9000")


def test_following_ends_at_the_limit(command_line: CommandLine) -> None:
    shown = command_line.run("tail", "input", "--from-beginning", "--follow", "--limit", "10", "--json")

    assert sorted(json.loads(line)["key"] for line in shown.stdout.splitlines()) == [f"event-{n}" for n in range(10)]


def test_a_topic_without_records_shows_nothing(command_line: CommandLine) -> None:
    assert command_line.run("tail").stdout == ""


def test_a_topic_that_does_not_exist_is_named(command_line: CommandLine) -> None:
    with pytest.raises(UnknownTopic, match=r"somebody\.elses does not exist"):
        command_line.run("tail", "somebody.elses")
