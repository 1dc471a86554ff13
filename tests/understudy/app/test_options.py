from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
import typer.main

from understudy.app.options import a_version, outside, settings_of

if TYPE_CHECKING:
    from pathlib import Path


def test_a_flag_stands_above_the_file(tmp_path: Path) -> None:
    file = tmp_path / "understudy.toml"
    file.write_text("endpoint = 'flights'\n[kafka]\nbootstrap = 'file:1'")

    assert settings_of(file).kafka.bootstrap == "file:1"
    assert settings_of(file, "flag:2").kafka.bootstrap == "flag:2"


def test_a_command_that_was_not_given_a_log_says_so() -> None:
    app = typer.Typer()

    @app.command()
    def command(context: typer.Context) -> None:
        outside(context)

    with pytest.raises(TypeError, match=r"started through understudy\.app\.cli"):
        app([], standalone_mode=False)


def test_an_argument_that_cannot_be_a_version_is_wrong_usage() -> None:
    assert a_version(None) is None
    assert a_version("flights:v2") == "flights:v2"
    for text in ("flights", "flights:", "fli ghts:v2"):
        with pytest.raises(typer.BadParameter):
            a_version(text)
