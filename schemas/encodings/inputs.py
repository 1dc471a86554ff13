"""Decodes an endpoint's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, assert_never

from schemas.encodings.framing import Bare, Confluent, FramedDecoder, Framing, SingleObject
from schemas.errors import InvalidSchema
from schemas.folder import WriterSchemas
from schemas.parsing import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.decoding import Row
    from schemas.parsing import RecordSchema
    from schemas.registry import SchemaRegistry

InputEncoding: TypeAlias = Literal["single-object", "confluent", "bare"]


@dataclass(frozen=True, slots=True)
class InputDecoder:
    """`decode(value)` gives the row as the reader's schema has it; fields that the writer lacked have their defaults.

    Rows hold Avro's plain values: a timestamp is an int in the schema's unit, a decimal is bytes.
    `decode` raises Undecodable (the value's fault), or SchemaUnavailable (the registry's: try again).
    """

    decode: Callable[[bytes | None], Row]

    @classmethod
    def of(
        cls,
        encoding: InputEncoding,
        reader: RecordSchema,
        writers: WriterSchemas | None = None,
        registry: SchemaRegistry | None = None,
    ) -> Self:
        """A decoder to the reader's schema. Raises InvalidSchema when writers are given that nothing can refer to."""
        return cls(FramedDecoder(_framing(encoding, reader, writers or WriterSchemas(), registry), reader).decode)


def _framing(
    encoding: InputEncoding, reader: RecordSchema, writers: WriterSchemas, registry: SchemaRegistry | None
) -> Framing:
    match encoding:
        case "single-object":
            return SingleObject({**writers.by_fingerprint, fingerprint(reader): reader})
        case "confluent":
            return Confluent(writers.by_id, registry)
        case "bare":
            if writers.by_fingerprint.keys() - {fingerprint(reader)}:
                raise InvalidSchema(
                    "bare values do not say which schema wrote them, so older writers cannot be told apart: "
                    "leave the folder of writer schemas out of the settings, or use another encoding"
                )
            return Bare(reader)
        case _:
            assert_never(encoding)
