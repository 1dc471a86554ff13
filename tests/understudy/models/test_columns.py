from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from schemas.parsing import parse
from understudy.models.columns import (
    columns_from_example,
    columns_from_schema,
    columns_from_text,
    events_from_example,
    merged,
)
from understudy.models.errors import BadModel
from understudy.models.manifest import Column


def schema(**types: Any) -> dict[str, Any]:
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "test")


def test_columns_are_written_as_name_and_type() -> None:
    assert columns_from_text(["a:int", " b:float?", "c:string?", "d:bool"], "pandas") == (
        Column("a", "int", missing="nan"),
        Column("b", "float", nullable=True, missing="nan"),
        Column("c", "string", nullable=True, missing="nan"),
        Column("d", "bool", missing="nan"),
    )
    assert columns_from_text(["c:string?"], "matrix") == (Column("c", "string", nullable=True, missing="none"),)


@pytest.mark.parametrize("text", ["a", ":int", "a:", "a:double", "a:int!", ""])
def test_another_way_of_writing_is_explained(text: str) -> None:
    with pytest.raises(BadModel, match="write name:type"):
        columns_from_text([text], "matrix")


def test_columns_are_the_named_fields_of_the_schema_in_that_order() -> None:
    event = schema(
        a="int",
        b=["null", "double"],
        c={"type": "enum", "name": "E", "symbols": ["X"]},
        d=["string", "null"],
        e="bytes",
    )

    assert columns_from_schema(event, ["d", "c", "b", "a"], "matrix") == (
        Column("d", "string", nullable=True),
        Column("c", "string"),
        Column("b", "float", nullable=True),
        Column("a", "int"),
    )


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("bytes", "bytes"),
        (["int", "string"], "int"),
        ({"type": "array", "items": "int"}, "array"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, "bytes"),
    ],
)
def test_a_field_that_no_model_takes_is_refused(kind: Any, named: str) -> None:
    with pytest.raises(BadModel, match=named):
        columns_from_schema(schema(a=kind), ["a"], "matrix")


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(BadModel, match="no field x, y"):
        columns_from_schema(schema(a="int"), ["a", "x", "y"], "matrix")


def test_a_data_frame_tells_its_columns() -> None:
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [1.0, 2.5],
            "g": [1.0, np.nan],
            "b": [True, False],
            "s": ["x", None],
            "t": ["x", "y"],
            "o": pd.Series(["x", None], dtype=object),
            "c": pd.Categorical(["x", None]),
            "n": pd.Series([1, None], dtype="Int64"),
        }
    )

    assert columns_from_example(frame) == (
        Column("i", "int", missing="nan"),
        Column("f", "float", missing="nan"),
        Column("g", "float", nullable=True, missing="nan"),
        Column("b", "bool", missing="nan"),
        Column("s", "string", nullable=True, missing="nan"),
        Column("t", "string", missing="nan"),
        Column("o", "string", nullable=True, missing="none"),
        Column("c", "string", nullable=True, missing="nan"),
        Column("n", "int", nullable=True, missing="nan"),
    )
    assert [column.name for column in columns_from_example(frame, ["t", "i"])] == ["t", "i"]


def test_a_matrix_is_told_the_names_of_its_columns() -> None:
    mixed = np.array([[1, "x", None], [2.5, "y", "z"]], dtype=object)

    assert [(one.name, one.type, one.nullable) for one in columns_from_example(mixed, ["a", "b", "c"])] == [
        ("a", "float", False),
        ("b", "string", False),
        ("c", "string", True),
    ]
    for names in (None, ["a"]):
        with pytest.raises(BadModel, match="name of each of its columns"):
            columns_from_example(mixed, names)


@pytest.mark.parametrize("values", [[pd.Timestamp(0)], [None, None], [1, "x"], [b"x"], [object()]])
def test_values_that_no_model_takes_are_refused(values: list[Any]) -> None:
    with pytest.raises(BadModel, match="column 'a'"):
        columns_from_example(pd.DataFrame({"a": pd.Series(values, dtype=object)}))


def test_a_time_is_refused() -> None:
    with pytest.raises(BadModel, match="column 'a'"):
        columns_from_example(pd.DataFrame({"a": pd.to_datetime(["2024-05-01"])}))


def test_the_first_rows_become_events_of_plain_python() -> None:
    frame = pd.DataFrame({"i": [1, 2, 3], "f": [1, 2, 3], "s": ["x", None, "z"]})
    columns = (Column("i", "int"), Column("f", "float"), Column("s", "string", nullable=True))

    events = events_from_example(frame, columns, 2)

    assert events == [{"i": 1, "f": 1.0, "s": "x"}, {"i": 2, "f": 2.0, "s": None}]
    assert [type(value) for value in events[0].values()] == [int, float, str]


def test_numbers_of_a_matrix_are_what_the_columns_say() -> None:
    columns = (Column("i", "int"), Column("f", "float"), Column("b", "bool"))

    events = events_from_example(np.array([[2, 3, 1], [0.5, np.inf, np.inf]]), columns, 2)

    assert events == [{"i": 2, "f": 3.0, "b": True}, {"i": 0.5, "f": np.inf, "b": np.inf}]
    assert [type(value) for value in events[0].values()] == [int, float, bool]


def test_the_schema_says_the_types_and_the_data_how_null_looks() -> None:
    declared = (Column("a", "float", nullable=True, missing="nan"), Column("b", "string", nullable=True, missing="nan"))
    observed = (Column("a", "int", missing="nan"), Column("b", "string", nullable=True, missing="none"))

    assert merged(declared, observed) == (
        Column("a", "float", nullable=True, missing="nan"),
        Column("b", "string", nullable=True, missing="none"),
    )
