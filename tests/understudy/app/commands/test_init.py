from __future__ import annotations

from typing import TYPE_CHECKING

from typer.testing import CliRunner

from understudy.app.cli import build

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_files_are_named_and_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    shown = CliRunner().invoke(build(), ["init", "payments"], catch_exceptions=False)

    assert shown.exit_code == 0
    assert "Wrote payments/train.py" in shown.stdout
    assert "at the beginning of payments/understudy.toml" in shown.stdout
    assert {file.name for file in (tmp_path / "payments").iterdir()} == {
        "understudy.toml",
        "event.avsc",
        "train.py",
        "training.csv",
        "events.csv",
    }


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    shown = CliRunner().invoke(build(), ["init", "payments", "--folder", str(tmp_path)], catch_exceptions=False)

    assert shown.exit_code == 0
    assert (tmp_path / "understudy.toml").exists()
