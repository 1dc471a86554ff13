from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.models import MANIFEST

from understudy.models import Manifest, RefusedArtifact


@pytest.mark.parametrize(
    "classes",
    [None, (0, 1), (True, False), (0.5, 1.0), ("on time", "late"), ((0, 1), ("a", "b"))],
)
def test_a_manifest_survives_json_with_the_types_of_its_labels(classes: Any) -> None:
    manifest = replace(MANIFEST, classes=classes, metrics={"auc": 0.9}, schema_fingerprint="c3")

    read = Manifest.from_json(manifest.to_json())

    assert read == manifest
    assert repr(read.classes) == repr(classes)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'"text"', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedArtifact):
        Manifest.from_json(text)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("format", 2, "format"),
        ("name", "../../etc", "'/'"),
        ("version", "", "empty"),
        ("artifact_format", "pickle", "pickle"),
        ("kind", "oracle", "oracle"),
        ("method", "__reduce__", "__reduce__"),
        ("frame", "polars", "polars"),
        ("columns", [], "columns"),
        ("columns", [{"name": "a", "type": "bytes"}], "bytes"),
        ("columns", [{"name": "a", "type": "int", "nullable": "no"}], "nullable"),
        ("columns", [{"name": "a", "type": "int"}] * 2, "twice"),
        ("skops_types", [1], "not a str"),
        ("libraries", [], "libraries"),
        ("outputs", "one", "outputs"),
        ("surprise", 1, "surprise"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: object, named: str) -> None:
    data = json.loads(MANIFEST.to_json()) | {field: value}

    with pytest.raises(RefusedArtifact, match=named):
        Manifest.from_json(json.dumps(data))


def test_a_lacking_field_is_named() -> None:
    data = json.loads(MANIFEST.to_json())
    del data["sha256"]

    with pytest.raises(RefusedArtifact, match="sha256"):
        Manifest.from_json(json.dumps(data))
