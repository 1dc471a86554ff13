"""Whether containers can be run here."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

REQUIRE = "UNDERSTUDY_TEST_REQUIRE_DOCKER"
"""Set where the tests that need a container engine must not be skipped."""


def skip_without_engine(items: list[pytest.Item]) -> None:
    """Skip the tests marked `docker` where no engine is, or fail the run where they are required."""
    marked = [item for item in items if item.get_closest_marker("docker")]
    missing = engine_is_missing() if marked else ""
    if missing and os.environ.get(REQUIRE):
        raise pytest.UsageError(f"a container engine is required here, but {missing}")
    for item in marked if missing else ():
        item.add_marker(pytest.mark.skip(reason=f"NOT RUN, needs a container engine: {missing}"))


def engine_is_missing() -> str:
    """Why containers cannot be run here; empty where they can."""
    if shutil.which("docker") is None:
        return "docker is not on the PATH"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"`{' '.join(command)}` says: {done.stderr.strip()[:200]}"
    return ""
