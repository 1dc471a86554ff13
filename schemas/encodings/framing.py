"""How a value says which schema wrote it: nothing, a fingerprint, or a registry's id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from schemas import single_object
from schemas.decoding import Row, decoder
from schemas.errors import InvalidSchema, Undecodable, UnknownSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.parsing import RecordSchema
    from schemas.registry import SchemaRegistry

_CONFLUENT_MAGIC: Final = b"\0"
_CONFLUENT_BYTES: Final = 5


class Framing(Protocol):
    """What stands ahead of a record."""

    @property
    def size_bytes(self) -> int: ...

    def writer(self, value: bytes) -> RecordSchema:
        """The schema that wrote a value. Raises Undecodable, or SchemaUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Bare:
    """Nothing stands ahead: one pinned schema wrote everything."""

    pinned: RecordSchema
    size_bytes: int = 0

    def writer(self, value: bytes) -> RecordSchema:  # noqa: ARG002 - the port's signature
        return self.pinned


@dataclass(frozen=True, slots=True)
class SingleObject:
    """Marker and fingerprint, looked up among known schemas."""

    by_fingerprint: Mapping[bytes, RecordSchema]
    size_bytes: int = single_object.HEADER_BYTES

    def writer(self, value: bytes) -> RecordSchema:
        fingerprint = single_object.fingerprint_in(value)
        if fingerprint not in self.by_fingerprint:
            raise single_object.unknown_fingerprint(fingerprint)
        return self.by_fingerprint[fingerprint]


@dataclass(frozen=True, slots=True)
class Confluent:
    """A zero byte and a registry's schema id (4 bytes, big-endian), looked up at hand first."""

    by_id: Mapping[int, RecordSchema]
    registry: SchemaRegistry | None
    size_bytes: int = _CONFLUENT_BYTES

    def writer(self, value: bytes) -> RecordSchema:
        schema_id = _id_in(value)
        if schema_id in self.by_id:
            return self.by_id[schema_id]
        if self.registry is None:
            raise Undecodable(
                "unknown_schema",
                f"no known schema has the id {schema_id}: put it as {schema_id}.avsc into the endpoint's folder of "
                "writer schemas, or name the schema registry in the settings",
            )
        try:
            return self.registry.schema_by_id(schema_id)
        except UnknownSchema as error:
            raise Undecodable("unknown_schema", str(error)) from error
        except InvalidSchema as error:
            raise Undecodable("refused_schema", str(error)) from error


def confluent_header(schema_id: int) -> bytes:
    """The 5 bytes ahead of every record of a registered schema."""
    return _CONFLUENT_MAGIC + schema_id.to_bytes(4, "big")


def _id_in(value: bytes) -> int:
    if not value.startswith(_CONFLUENT_MAGIC):
        raise Undecodable(
            "bad_framing",
            f"the value starts with {value[:1].hex()}, not with 00 as the Confluent framing does: "
            "check the input's encoding in the settings",
        )
    if len(value) < _CONFLUENT_BYTES:
        raise Undecodable(
            "truncated", f"{len(value)} bytes are less than the {_CONFLUENT_BYTES} of the framing: check the producer"
        )
    return int.from_bytes(value[1:_CONFLUENT_BYTES], "big")


@dataclass(frozen=True, slots=True)
class FramedDecoder:
    """Decodes framed values to a reader's schema; what a framing stands for is found out once."""

    framing: Framing
    reader: RecordSchema
    _decoders: dict[bytes, Callable[[bytes, int], Row]] = field(default_factory=dict)

    def decode(self, value: bytes | None) -> Row:
        """Raises Undecodable, or SchemaUnavailable when the registry is needed and does not answer."""
        if not value:
            raise nothing_in(value)
        size_bytes = self.framing.size_bytes
        known = self._decoders.get(value[:size_bytes])
        return (known or self._learn(value))(value, size_bytes)

    def _learn(self, value: bytes) -> Callable[[bytes, int], Row]:
        decode = decoder(self.framing.writer(value), self.reader)
        self._decoders[value[: self.framing.size_bytes]] = decode
        return decode


def nothing_in(value: bytes | None) -> Undecodable:
    """The error for a record without a value, or with an empty one."""
    if value is None:
        return Undecodable("tombstone", "the record has no value: delete records do not belong on this topic")
    return Undecodable("empty", "the value is empty: check the producer's serializer")
