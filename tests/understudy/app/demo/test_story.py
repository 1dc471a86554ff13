from __future__ import annotations

import io
import os
import shutil
import signal
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from understudy.app.brokers.choice import choose
from understudy.app.demo import scenery
from understudy.app.demo.cast import PARTS
from understudy.app.demo.errors import RoleDied
from understudy.app.demo.playing import Pacing
from understudy.app.demo.screen import Screen
from understudy.app.demo.story import play
from understudy.models.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = Pacing(rate_per_s=400.0, window=100)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo puts its folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def screen() -> tuple[Screen, io.StringIO]:
    written = io.StringIO()
    return Screen(Console(file=written, width=80)), written


def roles() -> list[str]:
    """The roles' threads that run."""
    slots = {part.slot for part in PARTS}
    return [thread.name for thread in threading.enumerate() if thread.name in slots]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All versions, trained once."""
    folder = tmp_path_factory.mktemp("registry")
    for version in scenery.VERSIONS:
        scenery.train(version, folder)
    return folder


@pytest.fixture
def _trained(registry: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that takes no time."""
    monkeypatch.setattr(scenery, "train", lambda _, folder: shutil.copytree(registry, folder, dirs_exist_ok=True))


@pytest.mark.usefixtures("_trained")
def test_the_whole_story_is_sound_and_leaves_nothing_behind(temporary: Path) -> None:
    shown, written = screen()

    outcome = play(choose("memory"), shown, QUICK)

    assert outcome.is_sound
    assert outcome.broker == "memory"
    assert [each.strategy for each in outcome.strategies] == ["basic", "shadow", "canary"]
    assert {each.flights for each in outcome.strategies} == {QUICK.window}
    assert list(outcome.took_s) == [
        "memory log",
        *(version.ref for version in scenery.VERSIONS),
        "topics",
        "roles",
        "play",
        "stopping",
    ]
    assert "3 of 3: router, supervisor, comparator" in written.getvalue()
    assert roles() == []
    assert list(temporary.iterdir()) == []


@dataclass
class Interrupting(io.StringIO):
    """Where the demo is shown, and somebody who interrupts it when it plays."""

    sign: signal.Signals

    def __post_init__(self) -> None:
        super().__init__()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "--strategy basic" in text:
            os.kill(os.getpid(), self.sign)
        return written


@pytest.fixture
def _in_the_foreground() -> Iterator[None]:
    """Ctrl-C means something, also where a shell has started the tests in the background, which ignores it."""
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, earlier)


@pytest.mark.usefixtures("_trained", "_in_the_foreground")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_the_demo_leaves_nothing_running(sign: signal.Signals, temporary: Path) -> None:
    earlier = signal.getsignal(sign)
    written = Interrupting(sign)

    with pytest.raises(KeyboardInterrupt):
        play(choose("memory"), Screen(Console(file=written, width=80)), QUICK)

    assert "understudy deploy flights:v1" in written.getvalue()
    assert roles() == []
    assert list(temporary.iterdir()) == []
    assert signal.getsignal(sign) == earlier


def test_a_version_that_is_not_registered_ends_the_demo_with_its_reason(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scenery, "train", lambda _, folder: folder.mkdir(exist_ok=True))

    with pytest.raises(ModelError, match="flights"):
        play(choose("memory"), screen()[0], QUICK)

    assert roles() == []
    assert list(temporary.iterdir()) == []


def test_a_role_that_cannot_run_ends_the_demo_with_its_reason(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenery, "train", lambda _, folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr("understudy.app.demo.story.provision", lambda *_: None)

    with pytest.raises(RoleDied, match=r"ended: "):
        play(choose("memory"), screen()[0], QUICK)

    assert roles() == []
    assert list(temporary.iterdir()) == []
