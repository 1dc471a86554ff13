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
from support.demo_run import DemoRun, comparison

from understudy.app.broker_choice import choose
from understudy.app.demo import scenery
from understudy.app.demo.errors import RoleDied, Stuck
from understudy.app.demo.picture import agrees
from understudy.app.demo.screen import Screen
from understudy.app.demo.story import FAST, PARTS, Pacing, Patience, play

if TYPE_CHECKING:
    from pathlib import Path


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


def test_the_whole_demo_answers_everything_once_and_catches_the_broken_version(temporary: Path) -> None:
    shown, written = screen()

    outcome = play(choose("memory"), shown, FAST)

    board = outcome.board
    assert board.is_sound
    assert (board.produced, board.answered, board.owed) == (3_000, 3_000, 9_000)
    assert board.production_answers.answered == 3_000
    rewrite, broken = board.shadows
    assert (rewrite.pairs, broken.pairs) == (3_000, 3_000)
    assert agrees(rewrite)
    assert not agrees(broken)
    assert (broken.answers.accuracy or 1) < (board.production_answers.accuracy or 0) - 0.1
    assert broken.differing
    assert outcome.broker == "memory"
    assert 0 < (outcome.delay_p50_ms or 0) <= (outcome.delay_p99_ms or 0)
    assert list(outcome.took_s) == [
        "memory log",
        *(version.ref for version in scenery.VERSIONS),
        "topics",
        "roles",
        "replay",
        "stopping",
    ]
    assert "5 of 5: router, workers, comparator" in written.getvalue()
    assert roles() == []
    assert list(temporary.iterdir()) == []


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


@dataclass
class Interrupting(io.StringIO):
    """Where the demo is shown, and somebody who interrupts it when it plays."""

    sign: signal.Signals

    def __post_init__(self) -> None:
        super().__init__()

    def write(self, text: str) -> int:
        written = super().write(text)
        if "Replaying" in text:
            os.kill(os.getpid(), self.sign)
        return written


@pytest.mark.usefixtures("_trained")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_the_demo_leaves_nothing_running(sign: signal.Signals, temporary: Path) -> None:
    earlier = signal.getsignal(sign)
    written = Interrupting(sign)

    with pytest.raises(KeyboardInterrupt):
        play(choose("memory"), Screen(Console(file=written, width=80)), Pacing(events=3_000, play_s=600.0))

    assert "Replaying 3,000" in written.getvalue()
    assert roles() == []
    assert list(temporary.iterdir()) == []
    assert signal.getsignal(sign) == earlier


def test_a_role_that_cannot_run_ends_the_demo_with_its_reason(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenery, "train", lambda _, folder: folder.mkdir(exist_ok=True))
    monkeypatch.setattr(scenery, "release", lambda *_: None)

    with pytest.raises(RoleDied, match=r"worker-v.* ended: .*flights"):
        play(choose("memory"), screen()[0], FAST)

    assert roles() == []
    assert list(temporary.iterdir()) == []


def test_patience_lasts_as_long_as_something_moves() -> None:
    now_s = 0.0
    patience = Patience(60.0, lambda: now_s)
    run = DemoRun()
    run.produce()

    for now_s in (30.0, 80.0, 130.0):  # noqa: B007 - the clock above reads it
        run.add(comparison(scenery.PRODUCTION, {"routed": 1, "answered": 1}))
        patience.spend(run.board())
    now_s = 180.0
    patience.spend(run.board())
    now_s = 191.0
    with pytest.raises(Stuck, match="Nothing has moved for 60 s: 10 events were written, 0 are answered, 0 are in"):
        patience.spend(run.board())
