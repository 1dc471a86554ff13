"""The manifest: what is known of a registered model version, as JSON beside its artifact."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias, get_args

from understudy.core.topics import check_name
from understudy.models.errors import RefusedArtifact

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = 1
"""Of the manifest itself; a reader refuses any other."""

Label: TypeAlias = bool | int | float | str
ColumnType = Literal["bool", "int", "float", "string"]
Missing = Literal["none", "nan"]
FrameKind = Literal["pandas", "matrix"]
Kind = Literal["classifier", "regressor", "multi-output classifier", "multi-output regressor"]
Method = Literal["predict_proba", "predict"]


@dataclass(frozen=True, slots=True)
class Column:
    """One input of a model, a field of the event.

    nullable: null is a value that the model takes; else a record with null there is invalid. missing: how null is
    given to the model where it is not a number (numbers: always NaN): None, or NaN as pandas has it.
    """

    name: str
    type: ColumnType
    nullable: bool = False
    missing: Missing = "none"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A registered version. Frozen, and JSON through `to_json` and `from_json`.

    sha256: of the artifact, hexadecimal. skops_types: the types that the artifact may have beyond those that skops
    itself trusts. frame: what the model is given, a pandas DataFrame or a numpy matrix, columns in this order.
    method: what is called for an answer. classes: a classifier's labels in the order of its probabilities (None
    where the model does not say); one tuple per output for a multi-output classifier. outputs: values per answer.
    schema_fingerprint: of the event's schema as in single-object encoding, hexadecimal, where it was given.
    """

    name: str
    version: str
    sha256: str
    size_bytes: int
    skops_types: tuple[str, ...]
    columns: tuple[Column, ...]
    frame: FrameKind
    kind: Kind
    method: Method
    classes: tuple[Label, ...] | tuple[tuple[Label, ...], ...] | None
    outputs: int
    libraries: Mapping[str, str]
    created_at: str
    created_by: str
    schema_fingerprint: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifact_format: Literal["skops"] = "skops"

    @property
    def ref(self) -> str:
        """`name:version`."""
        return f"{self.name}:{self.version}"

    def to_json(self) -> str:
        """One JSON object, keys sorted, for people too."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read and check a manifest. Raises RefusedArtifact, saying what is wrong with it."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RefusedArtifact(f"the manifest is not JSON ({error}): register the version again") from error
        if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
            raise RefusedArtifact(f"the manifest's format is not {FORMAT}: read it with the Understudy that wrote it")
        try:
            return cls(**_typed(data))
        except KeyError as error:
            raise RefusedArtifact(f"the manifest has no {error}: register the version again") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise RefusedArtifact(f"the manifest cannot be used: {error}") from error


def _typed(data: dict[str, Any]) -> dict[str, Any]:
    """Turn JSON's lists into tuples and columns, and check what would otherwise be believed."""
    check_name(data["name"], "model name")
    check_name(data["version"], "model version")
    _one_of("artifact_format", data["artifact_format"], ("skops",))
    _one_of("frame", data["frame"], get_args(FrameKind))
    _one_of("kind", data["kind"], get_args(Kind))
    _one_of("method", data["method"], get_args(Method))
    columns = tuple(_column(column) for column in data["columns"])
    if len({column.name for column in columns}) != len(columns) or not columns:
        raise ValueError("its columns are none, or one name is there twice")
    types = tuple(data["skops_types"])
    for text in (data["sha256"], data["created_at"], data["created_by"], *types):
        _is("a text", text, str)
    _is("outputs", data["outputs"], int)
    _is("size_bytes", data["size_bytes"], int)
    _is("libraries", data["libraries"], dict)
    _is("metrics", data["metrics"], dict)
    return {**data, "columns": columns, "skops_types": types, "classes": _tuples(data["classes"])}


def _column(data: dict[str, Any]) -> Column:
    column = Column(**data)
    _is("a column's name", column.name, str)
    _is("a column's nullable", column.nullable, bool)
    _one_of("a column's type", column.type, get_args(ColumnType))
    _one_of("a column's missing", column.missing, get_args(Missing))
    return column


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{what} is {value!r}, not one of {', '.join(allowed)}")


def _is(what: str, value: object, kind: type) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{what} is {value!r}, not a {kind.__name__}")


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
