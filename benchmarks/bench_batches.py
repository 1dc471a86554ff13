"""What record batches cost by themselves: CPU microseconds a record.

Each figure is the median over repeats of one call's CPU time, divided by the records that it handles. Keys have 8
bytes, values 300, batches about 128 KB; values are hexadecimal text, which codecs can halve at best.

    python benchmarks/bench_batches.py [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from understudy.core.batches import Batch, Codec, build_columns, merge, parse, rebuild, relocate, restamp, scan, split
from understudy.core.frames import FrameReader, frame_of, header_batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

KEY_BYTES = 8
VALUE_BYTES = 300
RECORDS = (128 << 10) // (KEY_BYTES + VALUE_BYTES + 9)
SMALL_RECORDS = 20
RESPONSE_BATCHES = 8
START_MS = 1_700_000_000_000
CALLS = 4


@dataclass(frozen=True, slots=True)
class Action:
    """Something to measure, and how many records one call handles."""

    call: Callable[[], object]
    records: int = RECORDS


def sample(records: int, codec: Codec) -> Batch:
    """A batch of records 3 ms apart, the same in every run."""
    draw = random.Random(7)
    keys = [draw.randbytes(KEY_BYTES) for _ in range(records)]
    values = [draw.randbytes(VALUE_BYTES // 2).hex().encode() for _ in range(records)]
    return build_columns(keys, values, range(START_MS, START_MS + 3 * records, 3), codec=codec)


def whole_batches(codec: Codec) -> Mapping[str, Action]:
    """What a router does: batches in and out, records untouched."""
    batch = sample(RECORDS, codec)
    response = b"".join(relocate(batch, number * RECORDS).data for number in range(RESPONSE_BATCHES))
    header = frame_of(range(RECORDS), revision=1, source_partition=0)
    stamp = {"producer_id": 1, "producer_epoch": 0, "base_sequence": 0}
    return {
        "scan a fetch response": Action(lambda: scan(response, 0), RECORDS * RESPONSE_BATCHES),
        "restamp": Action(lambda: restamp(batch, **stamp, transactional=True)),
        "frame header, built": Action(lambda: header_batch(header, START_MS)),
    }


def columns(codec: Codec) -> Mapping[str, Action]:
    """What a worker does: records out of batches, and batches out of records."""
    batch = sample(RECORDS, codec)
    data, decoded = batch.data, batch.columns
    frame = [header_batch(frame_of(range(RECORDS), revision=1, source_partition=0), START_MS).data, data]
    return {
        "decode": Action(lambda: parse(data).columns),
        "decode a frame": Action(lambda: read_frame(frame)),
        "build": Action(lambda: build_columns(decoded.keys, decoded.values, decoded.timestamps_ms, codec=codec)),
    }


def reshaped(codec: Codec) -> Mapping[str, Action]:
    """What a router does with batches that cannot go whole."""
    batch = sample(RECORDS, codec)
    appended = relocate(batch, 0, append_time_ms=START_MS).data
    small = [sample(SMALL_RECORDS, codec).data] * (RECORDS // SMALL_RECORDS)
    chosen = [index % 20 == 0 for index in range(RECORDS)]
    return {
        "split 1 in 20 off, decoded before": Action(lambda: split(batch, chosen)),
        "decode and split": Action(lambda: split(parse(batch.data), chosen)),
        "decode and rebuild": Action(lambda: rebuild(parse(appended))),
        f"decode and merge, {SMALL_RECORDS} each": Action(
            lambda: merge([parse(data) for data in small]), SMALL_RECORDS * len(small)
        ),
    }


def read_frame(frame: Sequence[bytes]) -> None:
    """A header and its records, as a worker reads them."""
    reader = FrameReader()
    for data in frame:
        reader.feed(parse(data))


def us_a_record(action: Action, repeats: int) -> float:
    """Median CPU time of a call, by record. What is decoded once and kept is decoded before the first repeat."""
    action.call()
    took_ns = []
    for _ in range(repeats):
        began_ns = time.process_time_ns()
        for _ in range(CALLS):
            action.call()
        took_ns.append(time.process_time_ns() - began_ns)
    return statistics.median(took_ns) / CALLS / 1_000 / action.records


def main() -> None:
    """Measure every codec, print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=51)
    arguments.add_argument("--json", type=Path, help="also write the figures to this file")
    given = arguments.parse_args()
    figures = {
        codec.name.lower(): {
            name: us_a_record(action, given.repeats)
            for actions in (whole_batches(codec), columns(codec), reshaped(codec))
            for name, action in actions.items()
        }
        for codec in Codec
    }
    print(f"CPU us a record, median of {given.repeats}; batches of {RECORDS} records of {VALUE_BYTES} bytes")
    print(" " * 36 + "".join(f"{codec:>9}" for codec in figures))
    for name in next(iter(figures.values())):
        print(f"{name:<36}" + "".join(f"{figures[codec][name]:9.3f}" for codec in figures))
    if given.json:
        given.json.write_text(json.dumps({"us_a_record": figures, "records_a_batch": RECORDS}, indent=2) + "\n")


if __name__ == "__main__":
    main()
