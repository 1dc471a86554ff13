from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.app.output import complain, say, say_json, table

if TYPE_CHECKING:
    import pytest


def test_numbers_stand_right_and_text_left() -> None:
    assert table(["NAME", "COUNT"], [("a", 1), ("bcdefg", 12_345)]).splitlines() == [
        "NAME     COUNT",
        "a            1",
        "bcdefg  12,345",
    ]


def test_a_table_may_be_empty() -> None:
    assert table(["NAME", "COUNT"], []) == "NAME  COUNT"


def test_json_has_a_form_for_everything(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"path": Path("x"), "bytes": b"\1", "text": "ü"})

    assert json.loads(capsys.readouterr().out) == {"path": "x", "bytes": "01", "text": "ü"}


def test_what_is_said_and_what_is_complained_of_go_their_ways(capsys: pytest.CaptureFixture[str]) -> None:
    say("done")
    complain("but")

    assert capsys.readouterr() == ("done\n", "but\n")
