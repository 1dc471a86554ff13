"""From values on a topic to rows and back: the three input encodings, and the encodings of our own rows."""

from schemas.encodings.inputs import InputDecoder, InputEncoding
from schemas.encodings.predictions import PredictionEncoder, SharedPrediction
from schemas.encodings.rows import RowDecoder, RowEncoder, RowEncoding
from schemas.errors import InvalidRow, InvalidSchema, SchemaUnavailable, Undecodable, UndecodableKind

__all__ = [
    "InputDecoder",
    "InputEncoding",
    "InvalidRow",
    "InvalidSchema",
    "PredictionEncoder",
    "RowDecoder",
    "RowEncoder",
    "RowEncoding",
    "SchemaUnavailable",
    "SharedPrediction",
    "Undecodable",
    "UndecodableKind",
]
