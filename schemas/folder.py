"""The endpoint's folder of writer schemas: what producers wrote with before the schema of today."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.compatibility import incompatibilities
from schemas.errors import InvalidSchema
from schemas.parsing import RecordSchema, fingerprint, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class WriterSchemas:
    """Writers' schemas by what values name them with: a fingerprint (8 bytes), or a Confluent schema id."""

    by_fingerprint: Mapping[bytes, RecordSchema] = field(default_factory=dict)
    by_id: Mapping[int, RecordSchema] = field(default_factory=dict)


def load_writers(folder: Path, reader: RecordSchema) -> WriterSchemas:
    """All `*.avsc` files of a folder; a file named `<number>.avsc` is also the schema with that Confluent id.

    Raises InvalidSchema, naming the path, when a file is no schema, or the reader cannot read what it writes.
    """
    if not folder.is_dir():
        raise InvalidSchema(f"{folder}: there is no such folder: create it, or correct the settings' folder of writers")
    loaded = {path: load(path) for path in sorted(folder.glob("*.avsc"))}
    for path, writer in loaded.items():
        if lines := incompatibilities(reader, writer):
            raise InvalidSchema("\n".join(f"{path}: {line}" for line in lines))
    return WriterSchemas(
        by_fingerprint={fingerprint(writer): writer for writer in loaded.values()},
        by_id={int(path.stem): writer for path, writer in loaded.items() if path.stem.isdecimal()},
    )
