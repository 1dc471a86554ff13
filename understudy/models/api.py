"""Registering a model, from Python or from a file: the model is described, listed, tried, and stored."""

from __future__ import annotations

import getpass
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from schemas.parsing import fingerprint, load, parse
from understudy.core.topics import parse_version
from understudy.models import loading, trust
from understudy.models.columns import (
    columns_from_example,
    columns_from_schema,
    columns_from_text,
    events_from_example,
    merged,
)
from understudy.models.description import describe, frame_of, refuse_mismatch
from understudy.models.errors import BadModel
from understudy.models.manifest import Manifest
from understudy.models.registry import Registry
from understudy.models.trial import tried

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.models.manifest import Column, FrameKind, Kind

TRIED_ROWS: Final = 32
"""Rows of the example that a model must answer, as it will be served, before it is registered."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a model; `register` explains each."""

    columns: Sequence[str] | None
    example: Any
    schema: str | os.PathLike[str] | Mapping[str, Any] | None
    frame: FrameKind
    kind: Kind | None
    metrics: Mapping[str, float]
    created_by: str


def register(  # noqa: PLR0913 - a user's one call, all but the first two by name
    estimator: Any,
    ref: str,
    *,
    registry: str | os.PathLike[str] | Registry,
    example: Any = None,
    columns: Sequence[str] | None = None,
    schema: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    frame: FrameKind | None = None,
    kind: Kind | None = None,
    trusted: Sequence[str] = (),
    metrics: Mapping[str, float] | None = None,
    created_by: str | None = None,
) -> Manifest:
    """Register a fitted scikit-learn estimator or pipeline as `name:version`.

    What its inputs are is told in one of three ways. example: what it was trained on, a DataFrame, or a matrix with
    the names of its columns in `columns`. schema: the event's Avro schema, parsed or a file, with `columns` to choose
    fields; it may stand beside an example, and then says the types. columns alone: texts `name:type`, `name:type?`
    where null is a value; types are bool, int, float, string.

    The model is saved with skops and loaded again; with an example, it must then answer the first rows, as decoded
    events, as the original does. frame and kind override what is found from the model. trusted: types that are in
    it and are not known to be safe. metrics: figures to remember. created_by: default the user's name.

    Raises BadModel, RefusedArtifact (types that need `trusted`), InvalidSchema, VersionExists, BadName,
    ModelStoreUnavailable.
    """
    given = Given(
        columns, example, schema, frame or frame_of(estimator), kind, metrics or {}, created_by or _user_name()
    )
    artifact = _saved(estimator)
    types = trust.accept(loading.listed_types(artifact), trusted, fitted_here=True)
    return _register(artifact, types, ref, _registry(registry), given)


def register_file(  # noqa: PLR0913 - as above
    path: str | os.PathLike[str],
    ref: str,
    *,
    registry: str | os.PathLike[str] | Registry,
    example: Any = None,
    columns: Sequence[str] | None = None,
    schema: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    frame: FrameKind | None = None,
    kind: Kind | None = None,
    trusted: Sequence[str] = (),
    metrics: Mapping[str, float] | None = None,
    created_by: str | None = None,
) -> Manifest:
    """Register a skops file as `name:version`; arguments and errors are those of `register`.

    Trees are not trusted in a file: their arrays are followed unchecked. Trust them by name if you made the file.
    """
    try:
        artifact = Path(path).read_bytes()
    except OSError as error:
        raise BadModel(f"{os.fspath(path)} cannot be read: {error}") from error
    types = trust.accept(loading.listed_types(artifact), trusted, fitted_here=False)
    found = frame or frame_of(loading.parse(artifact, types))
    given = Given(columns, example, schema, found, kind, metrics or {}, created_by or _user_name())
    return _register(artifact, types, ref, _registry(registry), given)


def _register(artifact: bytes, types: tuple[str, ...], ref: str, registry: Registry, given: Given) -> Manifest:
    name, version = parse_version(ref)
    estimator = loading.parse(artifact, types)
    schema = _schema(given.schema)
    columns = _columns(given, schema, estimator)
    sample = None if given.example is None else _sample(given, columns)
    description = describe(estimator, given.kind, sample)
    manifest = Manifest(
        name=name,
        version=version,
        sha256=loading.sha256_of(artifact),
        size_bytes=len(artifact),
        skops_types=types,
        columns=columns,
        frame=given.frame,
        kind=description.kind,
        method=description.method,
        classes=description.classes,
        outputs=description.outputs,
        libraries=loading.installed_libraries(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        created_by=given.created_by,
        schema_fingerprint=None if schema is None else fingerprint(schema).hex(),
        metrics={key: float(value) for key, value in given.metrics.items()},
    )
    refuse_mismatch(manifest, estimator)
    if sample is not None:
        events = events_from_example(given.example, columns, TRIED_ROWS)
        manifest = tried(manifest, estimator, events, sample)
    return registry.register(artifact, manifest)


def _saved(estimator: Any) -> bytes:
    import skops.io  # noqa: PLC0415 - imports all of scikit-learn, which takes seconds

    try:
        data: bytes = skops.io.dumps(estimator, compression=zipfile.ZIP_DEFLATED)
    except (TypeError, ValueError) as error:
        raise BadModel(f"{type(estimator).__name__} cannot be saved with skops: {error}") from error
    return data


def _columns(given: Given, schema: Mapping[str, Any] | None, estimator: Any) -> tuple[Column, ...]:
    names = given.columns or _remembered_names(estimator)
    written_out = bool(given.columns) and all(":" in text for text in given.columns or ())
    if written_out or (given.example is None and schema is None):
        if given.columns is None:
            raise BadModel("the model's inputs are not known: give example=, schema= or columns=")
        return columns_from_text(given.columns, given.frame)
    if schema is None:
        return columns_from_example(given.example, names)
    declared = columns_from_schema(schema, names, given.frame)
    if given.example is None:
        return declared
    return merged(declared, columns_from_example(given.example, [column.name for column in declared]))


def _remembered_names(estimator: Any) -> list[str] | None:
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _sample(given: Given, columns: Sequence[Column]) -> Any:
    """The example's first rows in the form that the model was fitted on."""
    is_frame = hasattr(given.example, "columns")
    if given.frame == "matrix":
        names = [column.name for column in columns]
        return (given.example[names].to_numpy() if is_frame else given.example)[:TRIED_ROWS]
    if not is_frame:
        raise BadModel("the model is given named columns: give a DataFrame as the example, not an array")
    return given.example.iloc[:TRIED_ROWS]


def _schema(schema: str | os.PathLike[str] | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if schema is None:
        return None
    if isinstance(schema, Mapping):
        return parse(json.dumps(schema), "schema")
    return load(Path(schema))


def _registry(registry: str | os.PathLike[str] | Registry) -> Registry:
    return registry if isinstance(registry, Registry) else Registry(registry)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container whose user has no name
        return "unknown"
