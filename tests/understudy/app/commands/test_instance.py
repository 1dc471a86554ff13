from __future__ import annotations

import socket
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from support.command_line import furnish
from support.small_endpoint import opened

from understudy.app.commands.instance import instance, launcher_of, say_ready
from understudy.app.options import Outside
from understudy.app.roles.probes import ask
from understudy.core.log.memory import MemoryLog
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def context(log: MemoryLog) -> Any:
    return cast("Any", SimpleNamespace(obj=Outside(lambda settings: opened(log, settings))))


def test_an_instance_has_its_settings_its_log_and_probes_that_are_answered(tmp_path: Path) -> None:
    furnish(tmp_path)
    log, prepared = MemoryLog(), list[Any]()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]

    with instance(context(log), tmp_path / "understudy.toml", None, port, prepare=prepared.append) as here:
        assert (here.settings.endpoint, here.log, here.stop.is_set()) == ("sums", log, False)
        assert prepared == [here.settings]
        assert not ask(port, ready=True).ok
        here.health.ready()
        assert ask(port, ready=True).ok

    assert not ask(port).ok


def test_settings_that_cannot_be_read_are_told_before_anything_is_opened(tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="There is no file"),
        instance(context(MemoryLog()), tmp_path / "nowhere.toml", None, None),
    ):
        pass


def test_further_instances_have_the_same_settings_and_a_form_of_log_that_is_decided(tmp_path: Path) -> None:
    settings = furnish(tmp_path).settings

    launcher = launcher_of(settings, tmp_path / "understudy.toml", "broker:9092")

    assert launcher.common == ["--config", str(tmp_path / "understudy.toml"), "--bootstrap", "broker:9092"]
    assert launcher.environment["UNDERSTUDY_LOG__FORMAT"] == "json"
    assert not launcher.prefixed


def test_a_supervisor_is_told_each_change_in_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    say_ready(True)
    say_ready(False)

    assert capsys.readouterr().out == "ready\nwaiting\n"
