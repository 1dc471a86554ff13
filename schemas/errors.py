"""What can go wrong between bytes and rows. Every message says what to do next."""

from __future__ import annotations

from typing import Literal, TypeAlias

UndecodableKind: TypeAlias = Literal[
    "tombstone",
    "empty",
    "bad_framing",
    "unknown_schema",
    "refused_schema",
    "incompatible_schema",
    "truncated",
    "trailing_bytes",
    "bad_utf8",
    "corrupt",
    "invalid_row",
]


class Undecodable(Exception):
    """A value that no retry will decode: it belongs in an error row and a dead letter."""

    def __init__(self, kind: UndecodableKind, message: str) -> None:
        super().__init__(message)
        self.kind: UndecodableKind = kind


class SchemaUnavailable(Exception):
    """The schema registry does not answer as one. The value may be fine: wait and try again, never dead-letter."""


class UnknownSchema(Exception):
    """The schema registry answers, and has no schema of that id."""


class InvalidSchema(Exception):
    """A schema that cannot be used: it does not parse, does not pass the lint, or does not resolve."""


class InvalidRow(ValueError):
    """A row that its contract does not allow: a mistake of the program that built it."""
