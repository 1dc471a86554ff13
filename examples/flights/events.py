"""The example's events: flights that leave New York in 2013, as a stream and to train on.

The extracts in `data/` need nothing but this checkout; `full_stream` needs pip install 'understudy[flights]'.
"""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from schemas import single_object
from schemas.parsing import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pandas as pd

    from schemas.parsing import RecordSchema

HERE: Final = Path(__file__).parent
SCHEMA_FILE: Final = HERE / "event.avsc"
STREAM: Final = HERE / "data" / "stream.csv.gz"
TRAINING: Final = HERE / "data" / "training.csv.gz"
STREAM_EVENTS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Flight:
    """One event, and the label that becomes known later.

    key: the plane's tail number. event: a row of `event.avsc`. timestamp_ms: when it left the gate. late: whether it
    arrived 15 minutes late or more; None for the few that were diverted. label_lag_min: how long after the event
    that was known.
    """

    key: bytes
    event: dict[str, Any]
    timestamp_ms: int
    late: bool | None
    label_lag_min: int | None


class Encoded(NamedTuple):
    """What goes to the input topic: key, the event as single-object Avro, and the record's time."""

    key: bytes
    value: bytes
    timestamp_ms: int


@cache
def schema() -> RecordSchema:
    """The schema of the events."""
    return load(SCHEMA_FILE)


def training() -> pd.DataFrame:
    """January to March as a DataFrame: 78,146 flights, with `late` and without what only identifies a flight."""
    import pandas as pd  # noqa: PLC0415 - an option of the project, which the stream does not need

    return pd.read_csv(TRAINING)


def events(limit: int | None = None) -> Iterator[Flight]:
    """The first 30,000 events from 1 April on, in time order; `limit`: only so many."""
    with gzip.open(STREAM, "rt", encoding="utf-8", newline="") as file:
        yield from islice(_flights(file), limit)


def full_stream() -> Iterator[Flight]:
    """All 250,000 events from April to December. Raises NotInstalled without pip install 'understudy[flights]'."""
    from examples.flights.build_extract import TRAINING_MONTHS, build, csv_bytes, source_folder  # noqa: PLC0415 - pandas

    year = build(source_folder())
    text = csv_bytes(year[year.month > TRAINING_MONTHS]).decode()
    return _flights(io.StringIO(text))


def repeated(flights: Sequence[Flight], count: int) -> Iterator[Flight]:
    """As many events as wanted: the same again and again, later each time, with ids that stay unique."""
    span_ms = flights[-1].timestamp_ms - flights[0].timestamp_ms + 60_000
    for number in range(count):
        again, index = divmod(number, len(flights))
        flight = flights[index]
        event = {**flight.event, "event_id": f"{flight.event['event_id']}-{again}"} if again else flight.event
        yield replace(flight, event=event, timestamp_ms=flight.timestamp_ms + again * span_ms)


def encoded(flights: Iterable[Flight]) -> Iterator[Encoded]:
    """The events as their producer would write them."""
    avro = schema()
    header = single_object.header(avro)
    for flight in flights:
        yield Encoded(flight.key, header + single_object.encode_bare(avro, flight.event), flight.timestamp_ms)


def _flights(lines: Iterable[str]) -> Iterator[Flight]:
    rows = csv.reader(lines)
    columns = {name: index for index, name in enumerate(next(rows))}
    fields = [(name, columns[name], convert) for name, convert in _converters()]
    key, time, late, lag = (columns[name] for name in ("tailnum", "event_time", "late", "label_lag_min"))
    for row in rows:
        yield Flight(
            key=row[key].encode(),
            event={name: convert(row[index]) for name, index, convert in fields},
            timestamp_ms=int(datetime.fromisoformat(row[time]).timestamp()) * 1_000,
            late=None if row[late] == "" else row[late] == "1",
            label_lag_min=None if row[lag] == "" else int(row[lag]),
        )


def _converters() -> Iterator[tuple[str, Callable[[str], Any]]]:
    for field in schema()["fields"]:
        yield field["name"], {"string": str, "int": int}.get(str(field["type"]), _number)


def _number(text: str) -> float | None:
    return float(text) if text else None
