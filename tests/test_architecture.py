"""What holds for the whole source tree."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "router", "workers", "comparator", "understudy")
ROLES = ("router", "workers", "comparator")
KAFKA_BACKEND = "understudy.core.log.kafka"
KAFKA_CLIENTS = {"kafka", "confluent_kafka", "aiokafka", "franz"}
MAX_LINES = 400

LAYERS = (
    ("schemas",),
    ("understudy.core",),
    ("understudy.models", "understudy.deployments", "understudy.statistics"),
    ROLES,
    ("understudy.app",),
)
"""Imports go from later to earlier layers, or stay within one package."""

REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("repo", "maven", "apache", "org"),
        ("repo1", "maven", "org"),
        ("registry", "npmjs", "org"),
        ("deb", "debian", "org"),
    )
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def place(module: str) -> tuple[int, str] | None:
    """Layer and package of one of our modules."""
    for layer, packages in enumerate(LAYERS):
        for package in packages:
            if module == package or module.startswith(package + "."):
                return layer, package
    return None


def may_import(importer: str, imported: str) -> bool:
    mine, theirs = place(importer), place(imported)
    return mine is None or theirs is None or mine == theirs or theirs[0] < mine[0]


def wrong_arrows(importer: str, imported: Iterator[str]) -> list[str]:
    return [f"{importer} imports {module}" for module in imported if not may_import(importer, module)]


def test_imports_go_one_way() -> None:
    assert [arrow for path in sources(*PACKAGES) for arrow in wrong_arrows(module_of(path), imports(path))] == []


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("router.step", "understudy.core.frames", True),
        ("understudy.app.cli", "router.step", True),
        ("understudy.core.log.memory", "understudy.core.batches", True),
        ("router.step", "workers.step", False),
        ("understudy.core.frames", "understudy.models.registry", False),
        ("understudy.models.registry", "understudy.deployments.plan", False),
        ("schemas.lint", "understudy.core.frames", False),
        ("comparator.step", "understudy.app.roles.building", False),
    ],
)
def test_the_arrows_are_these(importer: str, imported: str, allowed: bool) -> None:
    assert may_import(importer, imported) is allowed


def test_kafka_clients_are_imported_by_the_kafka_backend_alone() -> None:
    assert [
        f"{module_of(path)} imports {module}"
        for path in sources(*PACKAGES)
        if not module_of(path).startswith(KAFKA_BACKEND)
        for module in imports(path)
        if module.split(".")[0] in KAFKA_CLIENTS
    ] == []


def test_the_wheel_holds_our_packages_and_nothing_else(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "README.md", "LICENSE", *PACKAGES):
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        files = archive.namelist()
    assert {name.split("/")[0] for name in files if ".dist-info/" not in name} == set(PACKAGES)
    assert {name for name in files if name.endswith(".avsc")} == {
        str(path.relative_to(ROOT)) for path in (ROOT / "schemas").rglob("*.avsc")
    }
    assert all(f"{package}/py.typed" in files for package in PACKAGES)


def has_behaviour(path: Path) -> bool:
    """Whether a file has a function that does something: errors and pure declarations have none."""
    return any(
        not (isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for last in node.body[-1:]
    )


def test_every_source_file_has_its_test_file() -> None:
    wanted = [
        ROOT / "tests" / path.relative_to(ROOT).with_name(f"test_{path.name}")
        for path in sources(*PACKAGES)
        if path.name != "__init__.py" and has_behaviour(path)
    ]

    assert wanted
    assert [str(path.relative_to(ROOT)) for path in wanted if not path.exists()] == []


def test_every_test_file_of_a_package_has_its_source_file() -> None:
    test_files = sources(*(f"tests/{package}" for package in PACKAGES))

    assert [
        str(path.relative_to(ROOT))
        for path in test_files
        if path.name.startswith("test_")
        and not (ROOT / path.relative_to(ROOT / "tests").with_name(path.name.removeprefix("test_"))).exists()
    ] == []


def test_no_file_is_about_too_much() -> None:
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in sources(*PACKAGES, "tests", "benchmarks", "examples")
    }

    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_tests_wait_on_conditions_and_do_not_sleep() -> None:
    assert [
        str(path.relative_to(ROOT))
        for path in sources("tests")
        if "time.sleep" in imports(path)
        or any(
            isinstance(node, ast.Attribute)
            and node.attr == "sleep"
            and isinstance(node.value, ast.Name)
            and node.value.id in {"time", "asyncio"}
            for node in ast.walk(parsed(path))
        )
    ] == []


def test_the_console_script_is_the_only_entry() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["scripts"] == {"understudy": "understudy.app.cli:main"}
    assert [path for path in sources(*PACKAGES) if path.name == "__main__.py"] == []
    assert [path for path in sources(*PACKAGES) if "__main__" in path.read_text(encoding="utf-8")] == []


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_index() -> None:
    named = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode())

    assert [str(path.relative_to(ROOT)) for path in tracked_files() if named.search(path.read_bytes())] == []


def test_requirements_are_pinned_and_hashed_and_name_no_address() -> None:
    for name in ("demo.txt", "dev.txt"):
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        entries = text.replace("\\\n", " ").splitlines()
        assert "://" not in text
        assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
