from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.models import MANIFEST, fitted, manifest_for, saved

from understudy.core.topics import BadName
from understudy.models import (
    Answer,
    IncompatibleLibrary,
    ModelStoreUnavailable,
    RefusedArtifact,
    Registry,
    UnknownModel,
    VersionExists,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def artifact() -> bytes:
    return saved(fitted())


@pytest.fixture
def registry(tmp_path: Path, artifact: bytes) -> Registry:
    registry = Registry(tmp_path)
    registry.register(artifact, manifest_for(artifact))
    return registry


def manifest_file(tmp_path: Path) -> Path:
    return tmp_path / "delays" / "v1" / "manifest.json"


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_registered_version_is_loaded_and_answers(registry: Registry, artifact: bytes) -> None:
    model = registry.load("delays:v1")

    assert registry.versions() == ["delays:v1"]
    assert model.manifest == registry.manifest("delays:v1") == manifest_for(artifact)
    (answer,) = model.score([{"a": 3.0, "b": 0.0}]).results
    assert isinstance(answer, Answer)
    assert answer.label == 1


def test_a_version_never_changes(registry: Registry, artifact: bytes) -> None:
    other = saved(fitted().set_params(C=2.0))

    assert registry.register(artifact, replace(manifest_for(artifact), created_by="bob")).created_by == "ada"
    with pytest.raises(VersionExists, match="take a new version"):
        registry.register(other, manifest_for(other))

    assert registry.manifest("delays:v1") == manifest_for(artifact)


def test_a_manifest_of_another_artifact_is_not_registered(registry: Registry, artifact: bytes) -> None:
    with pytest.raises(RefusedArtifact, match="sha256"):
        registry.register(artifact, replace(MANIFEST, version="v2"))
    assert registry.versions() == ["delays:v1"]


@pytest.mark.parametrize(
    ("ref", "named"),
    [("delays", "name:version"), ("de lays:v1", "' '"), ("../delays:v1", "'/'"), ("delays:..", "'..'")],
)
def test_a_name_that_cannot_be_is_refused_with_the_character(registry: Registry, ref: str, named: str) -> None:
    with pytest.raises(BadName, match=named):
        registry.load(ref)


def test_an_unknown_version_is_no_outage(registry: Registry) -> None:
    with pytest.raises(UnknownModel, match="registered are: delays:v1"):
        registry.load("delays:v2")


def test_an_outage_is_no_unknown_version(tmp_path: Path) -> None:
    with pytest.raises(ModelStoreUnavailable):
        Registry(tmp_path / "unmounted").load("delays:v1")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-100], lambda data: data + b"x", lambda _: b"", lambda _: b"\x80"]
)
def test_a_damaged_artifact_is_refused(registry: Registry, tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "delays" / "v1" / "model.skops"
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(RefusedArtifact, match="sha256"):
        registry.load("delays:v1")


def test_a_missing_artifact_is_refused(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "delays" / "v1" / "model.skops").unlink()

    with pytest.raises(RefusedArtifact, match=r"no model\.skops"):
        registry.load("delays:v1")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"classes": [1, 0]}, "classes"),
        ({"classes": None}, "classes"),
        ({"method": "predict_log"}, "method"),
        ({"columns": [{"name": "a", "type": "float"}]}, "2 columns"),
        ({"version": "v2"}, "says that it is delays:v2"),
        ({"sha256": "0" * 64}, "damaged or exchanged"),
    ],
)
def test_a_manifest_that_lies_is_refused(
    registry: Registry, tmp_path: Path, changes: dict[str, object], named: str
) -> None:
    rewrite(manifest_file(tmp_path), **changes)

    with pytest.raises(RefusedArtifact, match=named):
        registry.load("delays:v1")


def test_a_truncated_manifest_is_refused(registry: Registry, tmp_path: Path) -> None:
    manifest_file(tmp_path).write_text(manifest_file(tmp_path).read_text()[:-20])

    with pytest.raises(RefusedArtifact, match="manifest"):
        registry.load("delays:v1")


def test_another_scikit_learn_is_refused(registry: Registry, tmp_path: Path) -> None:
    rewrite(manifest_file(tmp_path), libraries={"scikit-learn": "1.0.2"})

    with pytest.raises(IncompatibleLibrary, match=r"1\.0\.2"):
        registry.load("delays:v1")


def test_a_pinned_artifact_is_loaded_and_no_other(registry: Registry, artifact: bytes) -> None:
    assert registry.load("delays:v1", sha256=manifest_for(artifact).sha256).manifest.ref == "delays:v1"
    with pytest.raises(RefusedArtifact, match="is deployed"):
        registry.load("delays:v1", sha256="0" * 64)
