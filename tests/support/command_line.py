"""Runs commands in this process, on a memory log."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from support.small_endpoint import EVENT_SCHEMA, PRODUCTION, SHADOW, register_models
from typer.testing import CliRunner

from understudy.app.cli import build
from understudy.app.options import Outside
from understudy.core.log.memory import MemoryLog
from understudy.core.settings_loading import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings


@dataclass
class CommandLine:
    """A folder with an endpoint's files, and the commands that are run in it."""

    folder: Path
    log: MemoryLog = field(default_factory=MemoryLog)

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run one command with the folder's settings. Errors that are no exit come out as they are."""
        config = ["--config", str(self.folder / "understudy.toml")]
        everything = [*arguments, *config]
        return CliRunner().invoke(build(), everything, obj=Outside(self._open), input=stdin, catch_exceptions=False)

    def release(self) -> None:
        """Register both versions, make the topics, and put one version in production and the other beside it."""
        register_models(self.settings)
        self.run("topics")
        self.run("deploy", PRODUCTION, "--strategy", "basic", "--no-wait")
        self.run("deploy", SHADOW, "--strategy", "shadow", "--no-wait")

    @property
    def settings(self) -> Settings:
        return load(self.folder / "understudy.toml")

    @contextmanager
    def _open(self, _: Settings) -> Iterator[Log]:
        yield self.log


def furnish(folder: Path, **input_settings: Any) -> CommandLine:
    """A folder with a schema and settings of the small endpoint."""
    (folder / "event.avsc").write_text(json.dumps(EVENT_SCHEMA))
    more = "".join(f"{name} = {json.dumps(value)}\n" for name, value in input_settings.items())
    (folder / "understudy.toml").write_text(
        f'endpoint = "sums"\n[input]\nschema = "event.avsc"\nevent_id = "id"\nevent_time = "at"\n{more}'
        "[topics]\npartitions = 3\n[log]\nevery_s = 0.1\n"
    )
    return CommandLine(folder)
