"""A model's input columns: from what it was trained on, from the event's Avro schema, or from a person's words."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np

from understudy.models.errors import BadModel
from understudy.models.manifest import Column, ColumnType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from understudy.models.manifest import FrameKind, Missing

AVRO_TYPES: Final[Mapping[str, ColumnType]] = {
    "boolean": "bool",
    "int": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "string": "string",
    "enum": "string",
}
NUMPY_KINDS: Final[Mapping[str, ColumnType]] = {
    "b": "bool",
    "i": "int",
    "u": "int",
    "f": "float",
    "U": "string",
    "T": "string",
}
NUMBERS: Final[Mapping[ColumnType, type[bool | int | float]]] = {"bool": bool, "int": int, "float": float}
PYTHON_TYPES: Final[Mapping[type, ColumnType]] = {bool: "bool", int: "int", float: "float", str: "string"}


def columns_from_text(texts: Iterable[str], frame: FrameKind) -> tuple[Column, ...]:
    """Columns written `name:type`, or `name:type?` where null is a value. Types: bool, int, float, string."""
    columns = []
    for text in texts:
        name, colon, type_name = text.strip().rpartition(":")
        nullable = type_name.endswith("?")
        type_name = type_name.removesuffix("?")
        if not colon or not name or type_name not in get_args(ColumnType):
            raise BadModel(f"column {text!r}: write name:type, type one of bool, int, float, string, with ? for null")
        columns.append(Column(name, type_name, nullable, _usual_missing(frame)))  # type: ignore[arg-type]  # checked
    return tuple(columns)


def columns_from_schema(schema: Mapping[str, Any], names: Sequence[str] | None, frame: FrameKind) -> tuple[Column, ...]:
    """The named fields of an event's Avro schema (None: all of them), in the order of the names."""
    fields = {field["name"]: field["type"] for field in schema["fields"]}
    absent = [name for name in names or () if name not in fields]
    if absent:
        raise BadModel(f"the event's schema {schema.get('name')!r} has no field {', '.join(absent)}")
    return tuple(_from_avro(name, fields[name], frame) for name in (names or fields))


def columns_from_example(example: Any, names: Sequence[str] | None = None) -> tuple[Column, ...]:
    """The columns of a DataFrame or a matrix that a model was trained on.

    names: which of a DataFrame's columns (None: all); what a matrix's columns are called (needed there). A column
    is nullable where the example has missing values, so give the training data and not its first rows.
    """
    if hasattr(example, "columns"):
        return tuple(_from_values(str(name), example[name]) for name in (names or example.columns))
    matrix = np.asarray(example)
    if names is None or matrix.ndim != 2 or matrix.shape[1] != len(names):  # noqa: PLR2004 - rows and columns
        raise BadModel(
            f"the example is an array of shape {matrix.shape}: give columns, the name of each of its columns"
        )
    return tuple(_from_values(name, matrix[:, index]) for index, name in enumerate(names))


def events_from_example(example: Any, columns: Sequence[Column], rows: int) -> list[dict[str, object]]:
    """The example's first rows as the events that a worker would decode."""
    frame = hasattr(example, "columns")
    matrix = example if frame else np.asarray(example)
    values = [example[column.name] if frame else matrix[:, index] for index, column in enumerate(columns)]
    cells = [[_cell(value, column) for value in one[:rows]] for one, column in zip(values, columns, strict=True)]
    return [dict(zip((column.name for column in columns), row, strict=True)) for row in zip(*cells, strict=True)]


def merged(declared: Sequence[Column], observed: Sequence[Column]) -> tuple[Column, ...]:
    """Types and nullability as the schema declares them, missing values as the training data had them."""
    return tuple(
        replace(one, missing=other.missing) if other.nullable else one
        for one, other in zip(declared, observed, strict=True)
    )


def _from_avro(name: str, avro: Any, frame: FrameKind) -> Column:
    branches = avro if isinstance(avro, list) else [avro]
    types = [_avro_type(branch) for branch in branches if branch != "null"]
    if len(types) != 1 or types[0] is None:
        raise BadModel(f"field {name!r} is of Avro type {avro}: a model's input is a bool, int, float, string or enum")
    return Column(name, types[0], "null" in branches, _usual_missing(frame))


def _avro_type(branch: Any) -> ColumnType | None:
    if isinstance(branch, dict):
        return _avro_type(branch["type"])
    return AVRO_TYPES.get(branch)


def _usual_missing(frame: FrameKind) -> Missing:
    return "nan" if frame == "pandas" else "none"


def _from_values(name: str, values: Any) -> Column:
    kind = getattr(values.dtype, "kind", "O")
    absent = values[_missing_in(values, kind)]
    column_type = NUMPY_KINDS.get(kind) or _type_of_objects(name, values)
    missing: Missing = "none" if any(value is None for value in absent) else "nan"
    if len(absent) == 0 and kind == "O" and isinstance(values.dtype, np.dtype):
        missing = "none"
    return Column(name, column_type, nullable=len(absent) > 0, missing=missing)


def _missing_in(values: Any, kind: str) -> Any:
    """A mask of the missing values of a pandas Series or a numpy array."""
    if hasattr(values, "isna"):
        return values.isna().to_numpy()
    if kind == "f":
        return np.isnan(values)
    return np.array([_is_missing(value) for value in values] if kind == "O" else np.zeros(len(values)), dtype=bool)


def _type_of_objects(name: str, values: Any) -> ColumnType:
    types = {type(_plain(value)) for value in values if not _is_missing(value)}
    if types == {int, float}:
        types = {float}
    found = PYTHON_TYPES.get(next(iter(types))) if len(types) == 1 else None
    if found is None:
        names = ", ".join(sorted(one.__name__ for one in types)) or "nothing but missing values"
        raise BadModel(f"column {name!r} has {names}: a model's input is bools, ints, floats or strings")
    return found


def _cell(value: Any, column: Column) -> object:
    if _is_missing(value):
        return None if column.nullable else value
    plain = _plain(value)
    kind = NUMBERS.get(column.type)
    if kind is None or type(plain) not in NUMBERS.values() or plain in (math.inf, -math.inf):
        return plain
    # A matrix has one type for all columns: a 1.0 in it may stand for an event's 1, or true.
    return kind(plain) if kind(plain) == plain else plain


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _is_missing(value: Any) -> bool:
    """None, NaN, and pandas' NA, which equals nothing either."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)  # noqa: PLR0124 - NaN is not itself
