from __future__ import annotations

import stat
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from understudy.app.brokers.jars import KAFKA_VERSION, BrokerError, cache_folder, fetch_jars, find_java, locked

if TYPE_CHECKING:
    from pathlib import Path

MAVEN_THAT_COUNTS = """#!/bin/sh
for argument in "$@"; do case "$argument" in -DoutputDirectory=*) out="${argument#*=}";; esac; done
/bin/mkdir -p "$out" && : > "$out/kafka.jar" && echo run >> "$0.runs"
"""
MAVEN_THAT_FAILS = """#!/bin/sh
echo "Could not transfer artifact"
exit 1
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


def put_command(folder: Path, name: str, script: str) -> Path:
    command = folder / name
    command.write_text(script)
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return command


def test_missing_maven_names_what_to_install(bin_folder: Path) -> None:
    assert not list(bin_folder.iterdir())
    with pytest.raises(BrokerError, match="apt-get install maven"):
        fetch_jars()


def test_missing_java_names_what_to_install(bin_folder: Path) -> None:
    assert not list(bin_folder.iterdir())
    with pytest.raises(BrokerError, match="apt-get install openjdk"):
        find_java()


def test_a_failed_download_leaves_no_jars_behind_and_tells_what_maven_said(bin_folder: Path) -> None:
    put_command(bin_folder, "mvn", MAVEN_THAT_FAILS)
    with pytest.raises(BrokerError, match="Could not transfer artifact"):
        fetch_jars()
    assert not (cache_folder() / "libs").exists()


def test_jars_are_downloaded_once_however_many_ask(bin_folder: Path) -> None:
    maven = put_command(bin_folder, "mvn", MAVEN_THAT_COUNTS)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: fetch_jars(), range(8)))
    assert folders == {cache_folder() / "libs"}
    assert (cache_folder() / "libs" / "kafka.jar").exists()
    assert maven.with_name("mvn.runs").read_text().split() == ["run"]


def test_jars_that_are_there_are_found_quickly(bin_folder: Path) -> None:
    put_command(bin_folder, "mvn", MAVEN_THAT_COUNTS)
    fetch_jars()
    began = time.monotonic()
    fetch_jars()
    assert time.monotonic() - began < 0.1


def test_the_project_pins_kafka(bin_folder: Path) -> None:
    put_command(bin_folder, "mvn", MAVEN_THAT_COUNTS)
    fetch_jars()
    assert f"<version>{KAFKA_VERSION}</version>" in (cache_folder() / "pom.xml").read_text()


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="lock cannot be written: No such file"), locked(tmp_path / "no" / "lock"):
        pass
