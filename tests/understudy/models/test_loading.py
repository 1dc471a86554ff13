from __future__ import annotations

import io
import os
import pickle
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier
from support.models import MANIFEST, fitted, manifest_for, saved

from understudy.models import loading
from understudy.models.errors import IncompatibleLibrary, RefusedArtifact


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Where an attack would leave its trace."""
    return tmp_path / "executed"


def calling(function: Any) -> bytes:
    """A skops file of a transformer that calls `function` with what it is given."""
    return saved(FunctionTransformer(function))


def zipped(files: dict[str, bytes], source: bytes | None = None) -> bytes:
    """A zip of these files, and of those of `source` that are not among them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in files.items():
            target.writestr(name, data)
        if source is not None:
            with zipfile.ZipFile(io.BytesIO(source)) as archive:
                for name in set(archive.namelist()) - set(files):
                    target.writestr(name, archive.read(name))
    return buffer.getvalue()


def test_a_sound_artifact_is_loaded() -> None:
    artifact = saved(fitted())

    estimator = loading.load(artifact, manifest_for(artifact))

    assert estimator.predict([[3.0, 0.0], [-3.0, 0.0]]).tolist() == [1, 0]


@pytest.mark.parametrize("compress", [None, 0, "gzip", "zlib", "bz2", "xz", "lzma"])
def test_pickles_are_refused_under_any_name_and_never_executed(trace: Path, compress: str | int | None) -> None:
    buffer = io.BytesIO()
    if compress is None:
        pickle.dump(Bomb(trace), buffer)
    else:
        joblib.dump(Bomb(trace), buffer, compress=(compress, 3) if isinstance(compress, str) else compress)
    artifact = buffer.getvalue()

    with pytest.raises(RefusedArtifact, match="joblib"):
        loading.load(artifact, manifest_for(artifact))
    with pytest.raises(RefusedArtifact, match="joblib"):
        loading.listed_types(artifact)

    assert not trace.exists()


def test_an_artifact_that_was_exchanged_is_not_parsed() -> None:
    manifest = manifest_for(saved(fitted()))

    with pytest.raises(RefusedArtifact, match="damaged or exchanged"):
        loading.load(b"never parsed", manifest)


@pytest.mark.parametrize("keep", [0, 3, 100, 1000, -30])
def test_a_truncated_artifact_is_refused(keep: int) -> None:
    artifact = saved(fitted())[:keep]

    with pytest.raises(RefusedArtifact):
        loading.load(artifact, manifest_for(artifact))


def test_a_type_that_the_manifest_does_not_list_is_refused() -> None:
    artifact = saved(DecisionTreeClassifier().fit([[0.0, 0.0], [1.0, 0.0]], [0, 1]))

    with pytest.raises(RefusedArtifact, match=r"does not list: sklearn\.tree\._tree\.Tree"):
        loading.load(artifact, manifest_for(artifact))
    assert loading.load(artifact, manifest_for(artifact, skops_types=("sklearn.tree._tree.Tree",)))


@pytest.mark.parametrize(
    ("function", "name"),
    [(os.system, "posix.system"), (eval, "builtins.eval"), (subprocess.run, "subprocess.run")],
)
def test_code_in_a_skops_file_is_refused_even_where_a_lying_manifest_lists_it(function: Any, name: str) -> None:
    artifact = calling(function)

    assert loading.listed_types(artifact) == [name]
    with pytest.raises(RefusedArtifact, match="do not use this file"):
        loading.load(artifact, manifest_for(artifact, skops_types=(name,)))
    with pytest.raises(RefusedArtifact, match=name):
        loading.load(artifact, manifest_for(artifact))


def test_a_listed_type_that_is_not_installed_is_a_refusal() -> None:
    source = calling(os.system)
    with zipfile.ZipFile(io.BytesIO(source)) as archive:
        schema = archive.read("schema.json").replace(b'"posix"', b'"nowhere"')
    artifact = zipped({"schema.json": schema}, source)

    with pytest.raises(RefusedArtifact, match="nowhere"):
        loading.load(artifact, manifest_for(artifact, skops_types=("nowhere.system",)))


@pytest.mark.parametrize(
    "files",
    [
        {"weights.bin": b""},
        {"schema.json": b"{}"},
        {"schema.json": b"[" * 100_000},
        {"schema.json": b'{"protocol": 1, "__class__": "x"}'},
    ],
)
def test_a_zip_file_that_is_no_skops_file_is_refused(files: dict[str, bytes]) -> None:
    artifact = zipped(files)

    with pytest.raises(RefusedArtifact, match="skops"):
        loading.load(artifact, manifest_for(artifact))


def test_a_small_file_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_UNPACKED_BYTES", 1000)
    artifact = saved(fitted())

    with pytest.raises(RefusedArtifact, match="unpacks to"):
        loading.load(artifact, manifest_for(artifact))


def test_another_minor_version_of_scikit_learn_is_refused_with_the_way_out() -> None:
    artifact = saved(fitted())

    with pytest.raises(IncompatibleLibrary, match=r"scikit-learn 0\.24\.1.*install scikit-learn 0\.24\.\*"):
        loading.load(artifact, manifest_for(artifact, libraries={"scikit-learn": "0.24.1"}))


def test_another_patch_version_of_scikit_learn_is_taken() -> None:
    artifact = saved(fitted())
    major, minor, *_ = MANIFEST.libraries["scikit-learn"].split(".")

    assert loading.load(artifact, manifest_for(artifact, libraries={"scikit-learn": f"{major}.{minor}.99"}))
