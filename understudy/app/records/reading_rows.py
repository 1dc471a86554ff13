"""What a topic's records say: decoded by the kind of topic that they stand in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from schemas.encodings import RowDecoder, SchemaUnavailable, Undecodable
from understudy.app.wire_schemas import input_decoder, prediction_decoder
from understudy.core.topics import BadName, check_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.batches import Batch, Headers
    from understudy.core.log.contract import TopicPartition
    from understudy.core.settings import Settings

    Decode = Callable[[bytes | None], Mapping[str, Any]]

ERROR_PREFIX: Final = "__connect.errors."
SHOWN_BYTES: Final = 60
OUR_KINDS: Final = ("predictions", "shadow-predictions", "dead-letters", "comparisons", "routes", "input")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: where it stands, and what it says. fields is None for a record that could not be decoded."""

    at: TopicPartition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    fields: Mapping[str, Any] | None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs; key as text where it is text."""
        return {
            "topic": self.at.topic,
            "partition": self.at.partition,
            "offset": self.offset,
            "timestamp_ms": self.timestamp_ms,
            "key": None if self.key is None else text_of(self.key),
            **({"error": self.error} if self.error is not None else {}),
            "value": self.fields,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """A topic, and how its records are read."""

    topic: str
    kind: str
    decode: Decode


def source_of(settings: Settings, wanted: str) -> Source:
    """The topic that is meant by a kind (`predictions`, `routes`, ...) or by a topic's name.

    Raises BadName, SettingsError, InvalidSchema.
    """
    names = settings.names
    by_kind = {
        "predictions": names.predictions,
        "shadow-predictions": names.shadow_predictions,
        "dead-letters": names.dead_letters,
        "comparisons": names.comparisons,
        "routes": names.routes,
        "input": names.input,
    }
    kinds = {topic: kind for kind, topic in by_kind.items()}
    topic = by_kind.get(wanted, wanted)
    kind = kinds.get(topic, "raw")
    try:
        check_name(topic, "topic")
    except BadName as error:
        raise BadName(f"{error} Or say one of {', '.join(OUR_KINDS)}.") from error
    return Source(topic, kind, _decoder(settings, kind))


def _decoder(settings: Settings, kind: str) -> Decode:
    match kind:
        case "predictions" | "shadow-predictions":
            return prediction_decoder(settings).decode
        case "routes":
            return RowDecoder.of("avro", "route").decode
        case "comparisons":
            return RowDecoder.of("avro", "comparison").decode
        case "input":
            return input_decoder(settings).decode
        case _:
            return _raw


def _raw(value: bytes | None) -> Mapping[str, Any]:
    return {"bytes": None if value is None else len(value), "begins": text_of((value or b"")[:SHOWN_BYTES])}


def times_ms(batch: Batch) -> Sequence[int]:
    """The records' times as every client sees them: when the topic got them, where it keeps that, else their own."""
    if batch.append_time_ms is None:
        return batch.columns.timestamps_ms
    return [batch.append_time_ms] * len(batch.columns)


def entry(source: Source, at: TopicPartition, offset: int, timestamp_ms: int, record: Record) -> Entry:
    """A record, decoded. What cannot be decoded says why."""
    key, value, headers = record
    try:
        fields: Mapping[str, Any] | None = source.decode(value)
        error = None
    except (Undecodable, SchemaUnavailable) as failure:
        fields, error = None, str(failure)
    if source.kind == "dead-letters":
        fields = {**errors_in(headers), **(fields or {})}
    return Entry(at, offset, timestamp_ms, key, value, headers, fields, error)


Record = tuple["bytes | None", "bytes | None", "Headers"]


def errors_in(headers: Headers) -> dict[str, str]:
    """What a dead letter's headers say, without their prefix; of doubled names the last, which is ours."""
    return {
        name.removeprefix(ERROR_PREFIX): text_of(value or b"")
        for name, value in headers
        if name.startswith(ERROR_PREFIX)
    }


def text_of(data: bytes) -> str:
    """Bytes as text where they are printable text, else as hexadecimal."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return f"0x{data.hex()}"
    return text if text.isprintable() else f"0x{data.hex()}"
