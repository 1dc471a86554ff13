"""What the comparator's step costs: CPU microseconds a pair, from batches to encoded rows, the least of repeats.

A classifier's answers with probabilities, an event id and, in half of the runs, two slices; frames of 500 records.

    python benchmarks/bench_comparator.py [--repeats N] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from comparator.step import ComparatorStep
from schemas.encodings import PredictionEncoder, RowDecoder, RowEncoder
from understudy.core.batches import Batch, build_columns, relocate
from understudy.core.log.contract import Polled, Position, TopicPartition
from understudy.core.topics import EndpointTopics
from understudy.deployments.plan import Lane, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RECORDS = 40_000
FRAME = 500
FRAMES_A_POLL = 10
TOPICS = EndpointTopics("bench")
NAMES = (TOPICS.routes, TOPICS.predictions, TOPICS.shadow_predictions)
SLICES = {"origin": "JFK", "carrier": "UA"}


def batch_of(values: Sequence[bytes], base_offset: int, stored_ms: int) -> Batch:
    """As a broker with LogAppendTime has it."""
    built = build_columns([None] * len(values), values, [0] * len(values))
    return relocate(built, base_offset, append_time_ms=stored_ms)


def route_rows(lanes: Sequence[Lane], base: int) -> list[bytes]:
    """What the router writes down for one frame."""
    encode = RowEncoder.of("avro", "route").encode
    frame = {"kind": "frame", "revision": 1, "source_partition": 0, "base_offset": base, "span": FRAME, "count": FRAME}
    rows = ({**frame, "role": lane.role, "version": lane.version, "share_ppm": 1_000_000} for lane in lanes)
    return [encode(row) for row in rows]


def answers(lane: Lane, base: int, slices: Mapping[str, str]) -> list[bytes]:
    """What a lane's worker writes for one frame; every twentieth answer of a shadow differs."""
    row = PredictionEncoder.of("avro").shared(
        outcome="answered",
        lane=lane.role,
        routed_version=lane.version,
        answered_version=lane.version,
        revision=1,
        share_ppm=1_000_000,
        source_partition=0,
        model_time_ns=10_000 + base % 977,
    )
    return [
        row(
            source_offset=at,
            event_time=1_700_000_000_000 + at * 1_000,
            event_id=f"2013-04-01-UA-{at}",
            slices=slices,
            label=lane.role == "shadow" and at % 20 == 0,
            probabilities=[0.25, 0.75],
        )
        for at in range(base, base + FRAME)
    ]


def polls(shadows: int, slices: Mapping[str, str]) -> list[Polled]:
    """Everything that the comparator reads, and its first assignment."""
    lanes = Plan(1, "m:production", tuple(f"m:shadow{i}" for i in range(shadows))).lanes()
    ends = dict.fromkeys(NAMES, 0)
    made = [Polled(assigned={TopicPartition(name, 0): Position(0) for name in NAMES})]
    for start in range(0, RECORDS, FRAME * FRAMES_A_POLL):
        batches: dict[TopicPartition, list[Batch]] = {TopicPartition(name, 0): [] for name in NAMES}
        for base in range(start, start + FRAME * FRAMES_A_POLL, FRAME):
            written = [(TOPICS.routes, route_rows(lanes, base))]
            written += [
                (
                    TOPICS.predictions if lane.role == "answering" else TOPICS.shadow_predictions,
                    answers(lane, base, slices),
                )
                for lane in lanes
            ]
            for name, values in written:
                batches[TopicPartition(name, 0)].append(batch_of(values, ends[name], base))
                ends[name] += len(values) + 1
        made.append(Polled(batches))
    return made


def cost_us(shadows: int, slices: Mapping[str, str]) -> float:
    """One run, per pair."""
    step = ComparatorStep(TOPICS, RowDecoder.of("avro", "prediction"))
    made = polls(shadows, slices)
    began = process_time()
    for second, polled in enumerate(made):
        step.advance(polled, float(second))
    return (process_time() - began) / (RECORDS * shadows) * 1e6


def main() -> None:
    """Measures and prints a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {
        f"{shadows} shadow(s), {len(slices)} slices": min(cost_us(shadows, slices) for _ in range(options.repeats))
        for shadows in (1, 3)
        for slices in ({}, SLICES)
    }
    for name, cost in found.items():
        print(f"{name:24} {cost:6.1f} us a pair")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
