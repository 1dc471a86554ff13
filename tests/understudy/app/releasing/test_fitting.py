from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from understudy.app.releasing.errors import DoesNotFit
from understudy.app.releasing.fitting import check_fits
from understudy.models import Column, Manifest

MANIFEST = Manifest(
    name="sums",
    version="v1",
    sha256="0" * 64,
    size_bytes=1,
    skops_types=(),
    columns=(Column("a", "float"), Column("b", "int")),
    frame="matrix",
    kind="regressor",
    method="predict",
    classes=None,
    outputs=1,
    libraries={},
    created_at="2026-01-01T00:00:00+00:00",
    created_by="test",
)


def schema(**types: Any) -> dict[str, Any]:
    return {
        "type": "record",
        "name": "Event",
        "fields": [{"name": name, "type": kind} for name, kind in types.items()],
    }


@pytest.mark.parametrize(
    "types",
    [
        {"a": "double", "b": "int", "c": "string"},
        {"a": "int", "b": "long"},
        {"a": ["null", "float"], "b": ["null", "int"]},
    ],
)
def test_events_that_have_what_the_model_wants(types: dict[str, Any]) -> None:
    check_fits(MANIFEST, schema(**types))


@pytest.mark.parametrize(
    ("types", "why"),
    [
        ({"a": "double"}, "has no field b"),
        ({"a": "string", "b": "int"}, "a is string in events, and the model wants float"),
        ({"a": "double", "b": "double"}, "b is float in events, and the model wants int"),
        ({"a": ["string", "double"], "b": "int"}, "field 'a' is of Avro type"),
    ],
)
def test_every_misfit_is_named(types: dict[str, Any], why: str) -> None:
    with pytest.raises(DoesNotFit, match=f"sums:v1 cannot answer events of the schema Event: .*{why}"):
        check_fits(MANIFEST, schema(**types))


def test_a_model_of_other_fields_altogether() -> None:
    with pytest.raises(DoesNotFit, match=r"no field x; .*no field y"):
        check_fits(replace(MANIFEST, columns=(Column("x", "int"), Column("y", "int"))), schema(a="double"))
