"""Whether a registered model can answer an endpoint's events. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.app.releasing.errors import DoesNotFit
from understudy.models.columns import columns_from_schema
from understudy.models.errors import BadModel
from understudy.models.features import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from understudy.models.manifest import Manifest


def check_fits(manifest: Manifest, schema: Mapping[str, Any]) -> None:
    """Raise DoesNotFit where the events' Avro schema cannot give the model its columns.

    A null where the model takes none is no misfit: it costs the record that has one, and not the release.
    """
    if found := list(_misfits(manifest, schema)):
        raise DoesNotFit(
            f"{manifest.ref} cannot answer events of the schema {schema.get('name')}: {'; '.join(found)}. Train it on "
            "fields that events have, or name the right schema as [input] schema."
        )


def _misfits(manifest: Manifest, schema: Mapping[str, Any]) -> Iterator[str]:
    for column in manifest.columns:
        try:
            (field,) = columns_from_schema(schema, [column.name], manifest.frame)
        except BadModel as error:
            yield str(error)
            continue
        if not ACCEPTED[field.type] <= ACCEPTED[column.type]:
            yield f"{column.name} is {field.type} in events, and the model wants {column.type}"
