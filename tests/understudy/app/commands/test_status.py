from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.command_line import furnish

if TYPE_CHECKING:
    from pathlib import Path


def test_before_the_topics_are_made_it_says_how(tmp_path: Path) -> None:
    shown = furnish(tmp_path).run("status")

    assert shown.exit_code == 0
    assert "Run understudy topics." in shown.stdout


def test_what_is_not_running_is_told_to_people_and_programs(tmp_path: Path) -> None:
    command_line = furnish(tmp_path)
    command_line.release()

    text, told = command_line.run("status").stdout, json.loads(command_line.run("status", "--json").stdout)

    assert "shadow sums:v2 is not running: no member in its group sums.worker.sums.v2" in text
    assert told["ledger"] == {"routed": 0, "accounted": 0, "in_flight": 0, "residual": 0}
    assert len(told["problems"]) == 4
