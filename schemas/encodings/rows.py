"""Encodes and decodes our own rows, in the encoding that the settings name for outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, assert_never

from schemas import single_object
from schemas.contracts import ContractName, contract, contract_text, contract_versions, fingerprint
from schemas.encodings.framing import Confluent, FramedDecoder, SingleObject, confluent_header
from schemas.encodings.json_rows import json_decoder, json_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from schemas.decoding import Row
    from schemas.registry import SchemaRegistry

RowEncoding: TypeAlias = Literal["avro", "confluent", "json"]
"""Single-object Avro, Avro in the Confluent framing (needs a registry), or JSON (see `json_rows`)."""


@dataclass(frozen=True, slots=True)
class RowEncoder:
    """`encode(row)` gives a record's value. Fields with a default may be left out; others raise InvalidRow."""

    encode: Callable[[Mapping[str, object]], bytes]

    @classmethod
    def of(
        cls, encoding: RowEncoding, name: ContractName, *, registry: SchemaRegistry | None = None, topic: str = ""
    ) -> Self:
        """An encoder of a contract's rows; for "confluent" the contract is registered as `<topic>-value`, now.

        Raises ValueError (confluent without registry or topic), SchemaUnavailable, or InvalidSchema (refused there).
        """
        schema = contract(name)
        if encoding == "json":
            return cls(json_encoder(schema))
        header = avro_header(encoding, name, registry, topic)
        return cls(lambda row: header + single_object.encode_bare(schema, row))


@dataclass(frozen=True, slots=True)
class RowDecoder:
    """`decode(value)` gives a row of the current contract, whichever released version wrote it.

    It raises Undecodable, or SchemaUnavailable (confluent only: try again).
    """

    decode: Callable[[bytes | None], Row]

    @classmethod
    def of(cls, encoding: RowEncoding, name: ContractName, *, registry: SchemaRegistry | None = None) -> Self:
        """A decoder of a contract's rows. Raises ValueError for confluent without a registry."""
        schema = contract(name)
        match encoding:
            case "json":
                return cls(json_decoder(schema))
            case "avro":
                versions = {fingerprint(version): version for version in (*contract_versions(name), schema)}
                return cls(FramedDecoder(SingleObject(versions), schema).decode)
            case "confluent":
                return cls(FramedDecoder(Confluent({}, _needed(registry)), schema).decode)
            case _:
                assert_never(encoding)


def avro_header(
    encoding: Literal["avro", "confluent"], name: ContractName, registry: SchemaRegistry | None, topic: str
) -> bytes:
    """What stands ahead of every row of a contract; for "confluent" the contract is registered."""
    if encoding == "avro":
        return single_object.header(contract(name))
    if not topic:
        raise ValueError("the Confluent framing registers by topic: name the topic")
    return confluent_header(_needed(registry).register(f"{topic}-value", contract_text(name)))


def _needed(registry: SchemaRegistry | None) -> SchemaRegistry:
    if registry is None:
        raise ValueError("the Confluent framing needs a schema registry: set schema_registry.url in the settings")
    return registry
