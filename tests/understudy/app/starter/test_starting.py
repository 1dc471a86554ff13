from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from understudy.app.records.event_files import BadLine, events
from understudy.app.starter.starting import CannotInit, write_starter
from understudy.app.wire_schemas import check_fields, event_schema, event_time_units_per_ms
from understudy.core.settings_loading import load
from understudy.core.topics import BadName
from understudy.models import Registry

if TYPE_CHECKING:
    from pathlib import Path


def test_the_settings_fit_the_schema(tmp_path: Path) -> None:
    write_starter(tmp_path / "new", "Card_payments")

    settings = load(tmp_path / "new" / "understudy.toml")

    check_fields(settings)
    assert settings.endpoint == "Card_payments"
    assert settings.names.input == "card-payments.input"
    assert event_time_units_per_ms(settings) == 1
    assert "card-payments.input" in (tmp_path / "new" / "understudy.toml").read_text()


def test_every_event_of_the_sample_is_one(tmp_path: Path) -> None:
    write_starter(tmp_path, "payments")
    settings = load(tmp_path / "understudy.toml")

    with (tmp_path / "events.csv").open() as source:
        lines = list(events(source, "csv", event_schema(settings)))

    assert len(lines) == 1_000
    assert [line for line in lines if isinstance(line.event, BadLine)] == []
    assert "fraud" not in lines[0].event  # type: ignore[operator]  # the line above says what it is


def test_the_same_sample_is_written_for_everybody(tmp_path: Path) -> None:
    one = [file.read_text() for file in write_starter(tmp_path / "one", "payments")]
    other = [file.read_text() for file in write_starter(tmp_path / "other", "payments")]

    assert one == other


def test_versions_are_trained_and_registered(tmp_path: Path) -> None:
    write_starter(tmp_path, "payments")

    for arguments in (["v1"], ["v2", "0.01"]):
        said = subprocess.run(
            [sys.executable, "train.py", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        assert re.match(rf"Registered payments:{arguments[0]}; right on [89]\d", said.stdout)

    registry = Registry(tmp_path / "models")
    assert registry.versions() == ["payments:v1", "payments:v2"]
    assert registry.manifest("payments:v1").sha256 != registry.manifest("payments:v2").sha256


def test_the_program_says_how_it_is_used(tmp_path: Path) -> None:
    write_starter(tmp_path, "payments")

    done = subprocess.run([sys.executable, "train.py"], cwd=tmp_path, check=False, capture_output=True, text=True)

    assert done.returncode == 1
    assert "python train.py VERSION" in done.stderr


def test_nothing_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine")

    with pytest.raises(CannotInit, match=r"has train\.py already: name another folder"):
        write_starter(tmp_path, "payments")

    assert [file.name for file in tmp_path.iterdir()] == ["train.py"]
    assert (tmp_path / "train.py").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CannotInit, match="cannot be written to: Not a directory"):
        write_starter(tmp_path / "file" / "folder", "payments")


def test_a_name_that_cannot_be_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadName, match="contains '/'"):
        write_starter(tmp_path / "new", "a/b")

    assert list(tmp_path.iterdir()) == []
