"""Writes events to an endpoint's input topic, encoded as the endpoint reads them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from schemas import single_object
from schemas.encodings.framing import confluent_header
from schemas.errors import InvalidRow
from schemas.parsing import load
from understudy.app.records.event_files import BadLine
from understudy.app.records.partitioning import partition_of
from understudy.app.wire_schemas import schema_registry
from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import LogUnavailable, UnknownTopic
from understudy.core.outgoing import outputs
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from understudy.app.records.event_files import Line
    from understudy.core.log.contract import Log, Output, Writer
    from understudy.core.settings import Settings

TRANSACTION_EVENTS: Final = 10_000
"""Events of one transaction."""
ATTEMPTS: Final = 5
SLICES_A_SECOND: Final = 10
"""At a limited rate, how often events are written."""


class BadSource(Exception):
    """The source of events cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of the event that become the record's key and time; None: no key, and the time of writing.

    time: milliseconds since 1970, or ISO text.
    """

    key: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True)
class Produced:
    """How many events were written, and what was wrong with the lines that were not."""

    events: int
    bad_lines: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event, ready to be written."""

    key: bytes | None
    value: bytes
    timestamp_ms: int


def encoder(settings: Settings, fields: Fields) -> Callable[[Mapping[str, Any]], bytes]:
    """From an event to a value as the endpoint's input has it; `fields` may be none of the schema's.

    The encoder raises InvalidRow.
    """
    file = settings.require_schema()
    schema = load(file)
    match settings.input.encoding:
        case "single-object":
            header = single_object.header(schema)
        case "confluent":
            registry = schema_registry(settings)
            if registry is None:
                raise SettingsError("[schema_registry] url is missing: the Confluent encoding needs it to write.")
            subject = f"{settings.names.input}-value"
            header = confluent_header(registry.register(subject, file.read_text(encoding="utf-8")))
        case "bare":
            header = b""
    aside = {fields.key, fields.time} - {field["name"] for field in schema["fields"]}

    def encode(event: Mapping[str, Any]) -> bytes:
        row = {name: value for name, value in event.items() if name not in aside} if aside else event
        return header + single_object.encode_bare(schema, row)

    return encode


def produce(
    log: Log,
    settings: Settings,
    lines: Iterable[Line],
    fields: Fields,
    *,
    rate_per_s: float | None = None,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Produced:
    """Write the lines' events in transactions, in order per key. Lines that are no events are left out and reported.

    rate_per_s: at most so many events a second. Raises UnknownTopic, LogUnavailable, SettingsError.
    """
    topic = settings.names.input
    with log.admin() as admin:
        described = admin.describe([topic])
    if topic not in described:
        raise UnknownTopic(f"The input topic {topic} does not exist: run understudy topics first.")
    bad_lines: dict[int, str] = {}
    encoded = _encoded(lines, encoder(settings, fields), fields, bad_lines)
    size = TRANSACTION_EVENTS if rate_per_s is None else max(1, int(rate_per_s / SLICES_A_SECOND))
    written, began_s = 0, clock()
    with log.writer(f"{settings.names.router_group}.produce.{uuid.uuid4().hex}") as writer:
        while chunk := list(islice(encoded, size)):
            _commit(writer, _batched(topic, described[topic].partitions, chunk, written))
            written += len(chunk)
            if rate_per_s is not None:
                pause(max(0.0, began_s + written / rate_per_s - clock()))
    return Produced(written, bad_lines)


def _commit(writer: Writer, batches: list[Output]) -> None:
    if not any(writer.commit(batches) for _ in range(ATTEMPTS)):
        raise LogUnavailable(f"A transaction could not be committed in {ATTEMPTS} attempts: is the cluster healthy?")


def _encoded(
    lines: Iterable[Line],
    encode: Callable[[Mapping[str, Any]], bytes],
    fields: Fields,
    bad_lines: dict[int, str],
) -> Iterator[Encoded]:
    for line in lines:
        if isinstance(line.event, BadLine):
            bad_lines[line.number] = str(line.event)
            continue
        try:
            yield Encoded(_key(line.event, fields.key), encode(line.event), _time_ms(line.event, fields.time))
        except (InvalidRow, BadLine) as error:
            bad_lines[line.number] = str(error)


def _key(event: Mapping[str, Any], field: str | None) -> bytes | None:
    if field is None:
        return None
    if field not in event:
        raise BadLine(f"it has no field {field}, which is to be the key")
    value = event[field]
    return None if value is None else str(value).encode()


def _time_ms(event: Mapping[str, Any], field: str | None) -> int:
    if field is None:
        return int(time.time() * 1_000)
    value = event.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise BadLine(f"its {field} is {value!r}: neither milliseconds since 1970 nor an ISO time") from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1_000)


def _batched(topic: str, partitions: int, chunk: list[Encoded], written: int) -> list[Output]:
    """The chunk by partition; events without a key go to one partition a chunk, the next one each time."""
    keyless = written // TRANSACTION_EVENTS % partitions
    by_partition: dict[int, list[Encoded]] = {}
    for event in chunk:
        partition = keyless if event.key is None else partition_of(event.key, partitions)
        by_partition.setdefault(partition, []).append(event)
    return [
        output
        for partition, events in by_partition.items()
        for output in outputs(
            TopicPartition(topic, partition),
            [event.key for event in events],
            [event.value for event in events],
            [event.timestamp_ms for event in events],
        )
    ]
