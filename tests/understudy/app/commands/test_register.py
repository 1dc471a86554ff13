from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from support.command_line import furnish
from typer.testing import CliRunner

from understudy.app.cli import build
from understudy.core.settings import SettingsError
from understudy.models import Registry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.skops"
    skops.io.dump(LogisticRegression().fit(np.array([[0.0, 1.0], [1.0, 0.0]]), [False, True]), file)
    return file


def test_a_model_file_becomes_a_version(tmp_path: Path, model: Path) -> None:
    command_line = furnish(tmp_path)

    done = command_line.run("register", "sums:v1", str(model), "--column", "a", "--column", "b")

    assert done.exit_code == 0
    assert done.stdout.startswith(f"Registered sums:v1 in {tmp_path / 'models'}: classifier, 2 columns, ")
    assert Registry(tmp_path / "models").versions() == ["sums:v1"]


def test_without_settings_the_registry_is_named(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    command = ["register", "sums:v1", str(model), "--column", "a:float", "--column", "b:float?", "--json"]

    done = CliRunner().invoke(build(), [*command, "--registry", str(tmp_path / "here")], catch_exceptions=False)

    assert json.loads(done.stdout)["name"] == "sums"
    with pytest.raises(SettingsError, match="name the registry with --registry"):
        CliRunner().invoke(build(), command, catch_exceptions=False)
