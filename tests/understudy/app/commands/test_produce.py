from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
from support.command_line import furnish
from support.small_endpoint import event

from understudy.app.records.producing import BadSource

if TYPE_CHECKING:
    from pathlib import Path

    from support.command_line import CommandLine


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    command_line = furnish(tmp_path)
    command_line.run("topics")
    return command_line


def ids(command_line: CommandLine) -> list[str]:
    shown = command_line.run("tail", "input", "--from-beginning", "--json").stdout
    return sorted(json.loads(line)["value"]["id"] for line in shown.splitlines())


def test_json_lines_from_standard_input(command_line: CommandLine) -> None:
    lines = "".join(json.dumps(event(number)) + "\n" for number in range(3))

    done = command_line.run("produce", "--key", "id", "--time", "at", stdin=lines)

    assert done.exit_code == 0
    assert done.stdout == "3 events written to sums.input, 0 lines left out\n"
    assert ids(command_line) == ["event-0", "event-1", "event-2"]


@pytest.mark.parametrize("name", ["events.csv", "events.csv.gz"])
def test_csv_from_a_file(command_line: CommandLine, name: str) -> None:
    text = "id,a,b,at\nx,1,2,3\ny,1,,4\n"
    file = command_line.folder / name
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())

    assert command_line.run("produce", str(file)).exit_code == 0
    assert ids(command_line) == ["x", "y"]


def test_lines_that_are_no_events_are_named_and_make_the_status_1(command_line: CommandLine) -> None:
    done = command_line.run("produce", "-", "--json", stdin='{"id": "x", "a": 1.0}\nnonsense\n')

    assert done.exit_code == 1
    assert "Line 2 is left out: it is not JSON" in done.stderr
    told = json.loads(done.stdout)
    assert (told["topic"], told["events"], list(told["bad_lines"])) == ("sums.input", 1, ["2"])
    assert ids(command_line) == ["x"]


def test_a_file_that_is_not_there_is_named(command_line: CommandLine) -> None:
    with pytest.raises(BadSource, match=r"nothing\.csv cannot be read: No such file"):
        command_line.run("produce", "nothing.csv")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("model.skops", b"PK\x03\x04\xa8", "is no text in UTF-8"),
        ("plain.csv.gz", b"id,a\n", "cannot be decompressed: Not a gzipped file"),
        ("cut.csv.gz", gzip.compress(b"id,a\nx,1\n" * 100)[:-9], "cannot be decompressed: Compressed file ended"),
    ],
)
def test_a_file_that_is_no_text_is_told(command_line: CommandLine, name: str, content: bytes, told: str) -> None:
    (command_line.folder / name).write_bytes(content)

    with pytest.raises(BadSource, match=f"{name} {told}"):
        command_line.run("produce", str(command_line.folder / name))
