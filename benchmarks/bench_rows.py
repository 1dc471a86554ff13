"""What rows cost by themselves, beside fastavro: CPU microseconds a row.

An event is an id and 27 doubles; a prediction has a label and two probabilities. Each figure is the median over
repeats of the CPU time of as many rows as a micro-batch has.

    python benchmarks/bench_rows.py [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro

from schemas.contracts import contract
from schemas.decoding import decoder
from schemas.encodings import PredictionEncoder
from schemas.parsing import parse
from schemas.single_object import encode_bare

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = 1_000
FEATURES = [f"x{number}" for number in range(27)]
FIELDS = [{"name": "event_id", "type": "string"}, *({"name": name, "type": "double"} for name in FEATURES)]
EVENT = parse(json.dumps({"type": "record", "name": "Event", "fields": FIELDS}), "event")
SHARED = {
    "outcome": "answered",
    "lane": "answering",
    "routed_version": "bench:v1",
    "answered_version": "bench:v1",
    "revision": 1,
    "share_ppm": 1_000_000,
    "source_partition": 3,
    "model_time_ns": 1_700,
}
OWN = {"event_time": 1_700_000_000_123, "event_id": "event-1234567", "label": 1, "probabilities": [0.25, 0.75]}
ABSENT = {"span": 1, "slices": {}, "number": None, "values": None, "error_kind": None, "error": None}
FIRST_OFFSET = 7_654_321


def decoded() -> dict[str, Callable[[], object]]:
    """Events, from binary Avro to a dictionary."""
    rows = [{"event_id": f"event-{n}", **dict.fromkeys(FEATURES, n / 7)} for n in range(ROWS)]
    values = [encode_bare(EVENT, row) for row in rows]
    decode, read = decoder(EVENT), fastavro.schemaless_reader
    return {
        "event decoded": lambda: [decode(value, 0) for value in values],
        "event decoded, fastavro": lambda: [read(BytesIO(value), EVENT, None) for value in values],
    }


def encoded() -> dict[str, Callable[[], object]]:
    """Predictions, from values to single-object Avro."""
    encoder: Any = PredictionEncoder.of("avro")
    offsets = range(FIRST_OFFSET, FIRST_OFFSET + ROWS)
    schema, header = contract("prediction"), encoder.header

    def ours() -> list[bytes]:
        encode = encoder.shared(**SHARED)
        return [encode(source_offset=offset, **OWN) for offset in offsets]

    def theirs() -> list[bytes]:
        return [one(offset) for offset in offsets]

    def one(offset: int) -> bytes:
        out = BytesIO()
        out.write(header)
        fastavro.schemaless_writer(out, schema, {**SHARED, "source_offset": offset, **OWN, **ABSENT})
        return out.getvalue()

    if ours() != theirs():
        raise SystemExit("the two encode the same rows differently")
    return {"prediction encoded": ours, "prediction encoded, fastavro": theirs}


def us_a_row(call: Callable[[], object], repeats: int) -> float:
    """Median CPU time of a call, by row."""
    call()
    took_ns = []
    for _ in range(repeats):
        began_ns = time.process_time_ns()
        call()
        took_ns.append(time.process_time_ns() - began_ns)
    return statistics.median(took_ns) / 1_000 / ROWS


def main() -> None:
    """Measure, print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=51)
    arguments.add_argument("--json", type=Path, help="also write the figures to this file")
    given = arguments.parse_args()
    figures = {name: us_a_row(call, given.repeats) for name, call in {**decoded(), **encoded()}.items()}
    print(f"CPU us a row, median of {given.repeats}")
    for name, figure in figures.items():
        print(f"{name:<32}{figure:9.2f}")
    if given.json:
        given.json.write_text(json.dumps({"us_a_row": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
