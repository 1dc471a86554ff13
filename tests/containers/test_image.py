"""The image: small, without root, without what it does not need; and how its build is helped past a mirror."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.compose_stack import ROOT, docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Run = Callable[..., str]

pytestmark = pytest.mark.docker

TAG = "understudy-test-image"
LARGEST_MB = 600
HARDENED = ("--rm", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges:true")
SCORES = """
import numpy as np
from pathlib import Path
from sklearn.linear_model import LogisticRegression
from understudy.models import Registry, register
inputs = np.array([[a, b] for a in range(5) for b in range(5)], dtype=float)
model = LogisticRegression().fit(inputs, inputs.sum(axis=1) > 4)
register(model, "sums:v1", registry="/tmp/models", example=inputs, columns=["a", "b"])
print(Registry("/tmp/models").load("sums:v1").manifest.ref)
"""


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Its name."""
    docker("build", "--quiet", f"--tag={TAG}", str(ROOT))
    yield TAG
    docker("rmi", TAG)


@pytest.fixture
def run(image: str) -> Run:
    """Runs a program in the image as it is to be run in production; gives what it prints."""

    def run(program: str, *arguments: str) -> str:
        return docker("run", *HARDENED, f"--entrypoint={program}", image, *arguments)

    return run


def test_its_user_cannot_change_what_runs(run: Run, image: str) -> None:
    assert run("id", "-u", "-n") == "understudy"
    assert run("id", "-u") == run("id", "-g") == "10001"
    find = ("/opt", "/usr", "/etc", "-writable", "-not", "-type", "l")
    assert docker("run", "--rm", "--entrypoint=find", image, *find) == ""


def test_every_role_is_in_it(image: str) -> None:
    told = docker("run", *HARDENED, image)

    assert all(role in told for role in ("router", "worker", "comparator", "health"))


def test_a_model_is_fitted_saved_and_loaded_on_a_root_that_is_read_only(run: Run) -> None:
    assert run("python", "-c", SCORES) == "sums:v1"


def test_what_builds_and_tests_is_left_out(run: Run) -> None:
    tools = ("gcc", "cc", "g++", "clang", "ld", "make", "git")
    assert run("sh", "-c", f"command -v {' '.join(tools)} || true") == ""
    assert run("sh", "-c", "find / -xdev -path '*/pip/*' -path '*cache*' -name '*.whl' | head") == ""
    absent = ("pytest", "mypy", "hatchling", "confluent_kafka", "testcontainers", "examples", "tests")
    found = run("python", "-c", f"from importlib.util import find_spec; print([m for m in {absent} if find_spec(m)])")
    assert found == "[]"


def test_it_is_small(image: str, capsys: pytest.CaptureFixture[str]) -> None:
    size_mb = int(docker("image", "inspect", "--format={{.Size}}", image)) / 1e6
    with capsys.disabled():
        sys.stdout.write(f"\nthe image has {size_mb:,.0f} MB (at most {LARGEST_MB})\n")

    assert size_mb <= LARGEST_MB


def test_pip_takes_its_configuration_from_a_secret_that_leaves_nothing(run: Run, image: str, tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:1/simple"
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {nowhere}\nretries = 0\n")
    secret = f"--secret=id=pip_conf,src={tmp_path / 'pip.conf'}"
    build = ["docker", "build", "--progress=plain", "--no-cache", "--target=build", secret, str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "127.0.0.1" in done.stderr + done.stdout
    assert run("sh", "-c", "ls /run/secrets 2>/dev/null || true") == ""
    assert "127.0.0.1" not in docker("history", "--no-trunc", image)


def test_the_compose_file_is_valid() -> None:
    docker("compose", f"--project-directory={ROOT}", "config", "--quiet")
