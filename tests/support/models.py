"""Small models and their manifests, for tests."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import skops.io
from sklearn.linear_model import LogisticRegression

from understudy.models.loading import installed_libraries, sha256_of
from understudy.models.manifest import Column, Manifest

COLUMNS = (Column("a", "float"), Column("b", "float"))

MANIFEST = Manifest(
    name="delays",
    version="v1",
    sha256="",
    size_bytes=0,
    skops_types=(),
    columns=COLUMNS,
    frame="matrix",
    kind="classifier",
    method="predict_proba",
    classes=(0, 1),
    outputs=1,
    libraries=installed_libraries(),
    created_at="2024-05-01T12:00:00+00:00",
    created_by="ada",
)


def fitted() -> Any:
    """A classifier of two numbers: 1 where a is positive."""
    matrix = np.array([[-2.0, 0.0], [-1.0, 1.0], [1.0, 0.0], [2.0, 1.0]])
    return LogisticRegression().fit(matrix, [0, 0, 1, 1])


def saved(estimator: Any) -> bytes:
    """A skops artifact."""
    data: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    return data


def manifest_for(artifact: bytes, **changes: Any) -> Manifest:
    """A manifest that fits an artifact, but for `changes`."""
    return replace(MANIFEST, **{"sha256": sha256_of(artifact), "size_bytes": len(artifact), **changes})
