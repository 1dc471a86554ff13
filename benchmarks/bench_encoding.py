"""What rows cost by themselves: CPU microseconds a row, the least of several repeats.

Predictions are a classifier's with an event id and one slice; inputs have 27 numeric features.

    python benchmarks/bench_encoding.py [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import timeit
from io import BytesIO
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import fastavro

from schemas.contracts import contract
from schemas.encodings import InputDecoder, PredictionEncoder, RowDecoder, RowEncoder
from schemas.folder import WriterSchemas
from schemas.parsing import RecordSchema, fingerprint, parse
from schemas.single_object import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROWS = 20_000
LEADING: dict[str, Any] = {
    "outcome": "answered",
    "lane": "answering",
    "routed_version": "late:1",
    "answered_version": "late:1",
    "revision": 1,
    "share_ppm": 1_000_000,
    "source_partition": 3,
    "model_time_ns": 12_345,
}
OWN: dict[str, Any] = {
    "source_offset": 123_456_789,
    "span": 1,
    "event_time": 1_700_000_000_000,
    "event_id": "2013-04-01-UA-1545-EWR",
    "slices": {"carrier": "UA"},
    "label": True,
    "probabilities": [0.1, 0.9],
    "number": None,
    "values": None,
    "error_kind": None,
    "error": None,
}


def features(kind: Any, *, event_id: bool = False) -> RecordSchema:
    """A schema of 27 fields of one type, perhaps behind an event id."""
    fields = [{"name": f"f{number}", "type": kind} for number in range(27)]
    ahead = [{"name": "event_id", "type": "string"}] if event_id else []
    return parse(json.dumps({"type": "record", "name": "Event", "fields": ahead + fields}), "features")


def fastavro_writer(schema: RecordSchema, row: Mapping[str, Any], prefix: bytes = b"") -> Callable[[], bytes]:
    """Fastavro by itself, perhaps behind fields that are encoded already."""

    def write() -> bytes:
        stream = BytesIO()
        stream.write(prefix)
        fastavro.schemaless_writer(stream, schema, row)
        return stream.getvalue()

    return write


def writing() -> Mapping[str, Callable[[], object]]:
    """One prediction, from slow to fast."""
    schema, row = contract("prediction"), LEADING | OWN
    first, rest = ({**schema, "fields": part} for part in (schema["fields"][:8], schema["fields"][8:]))
    as_json, as_avro = RowEncoder.of("json", "prediction").encode, RowEncoder.of("avro", "prediction").encode
    shared = PredictionEncoder.of("avro").shared(**LEADING)
    return {
        "write a prediction, JSON": lambda: as_json(row),
        "write a prediction, fastavro": fastavro_writer(schema, row),
        "write a prediction, RowEncoder": lambda: as_avro(row),
        "write a prediction, fastavro behind a prefix": fastavro_writer(rest, OWN, fastavro_writer(first, LEADING)()),
        "write a prediction, PredictionEncoder": lambda: shared(**OWN),
    }


def reading() -> Mapping[str, Callable[[], object]]:
    """One prediction, one input."""
    row = LEADING | OWN
    doubles, nullable, named = features("double"), features(["null", "double"]), features("double", event_id=True)
    numbers = {f"f{number}": number * 1.1 for number in range(27)}
    old_writer = WriterSchemas({fingerprint(doubles): doubles})
    inputs: dict[str, tuple[RecordSchema, RecordSchema, dict[str, Any], WriterSchemas | None]] = {
        "27 doubles": (doubles, doubles, numbers, None),
        "27 doubles behind an event id": (named, named, numbers | {"event_id": "2013-04-01-UA-1545-EWR"}, None),
        "27 doubles that may be null": (nullable, nullable, numbers, None),
        "27 doubles of an older writer": (doubles, nullable, numbers, old_writer),
    }
    avro, text = encode(contract("prediction"), row), RowEncoder.of("json", "prediction").encode(row)
    from_avro, from_json = RowDecoder.of("avro", "prediction").decode, RowDecoder.of("json", "prediction").decode
    actions: dict[str, Callable[[], object]] = {
        "read a prediction, Avro": lambda: from_avro(avro),
        "read a prediction, JSON": lambda: from_json(text),
    }
    for name, (writer, reader, given, writers) in inputs.items():
        actions[f"read an input, {name}"] = input_reader(writer, reader, given, writers)
        if writer == reader:
            actions[f"read an input, {name}, fastavro alone"] = fastavro_reader(writer, given)
    return actions


def input_reader(
    writer: RecordSchema, reader: RecordSchema, given: Mapping[str, Any], writers: WriterSchemas | None
) -> Callable[[], object]:
    """Reads one value again and again."""
    decode, value = InputDecoder.of("single-object", reader, writers).decode, encode(writer, given)
    return lambda: decode(value)


def fastavro_reader(schema: RecordSchema, given: Mapping[str, Any]) -> Callable[[], object]:
    """Fastavro by itself."""
    bare = encode(schema, given)[10:]
    return lambda: fastavro.schemaless_reader(BytesIO(bare), schema, None)


def main() -> None:
    """Measures everything and prints a line each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    figures = {}
    for name, call in {**writing(), **reading()}.items():
        seconds = min(timeit.repeat(call, timer=process_time, number=ROWS, repeat=arguments.repeats))
        figures[name] = round(seconds / ROWS * 1e6, 2)
        print(f"{figures[name]:8.2f}  {name}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
