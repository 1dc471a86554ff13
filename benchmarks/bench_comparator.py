"""What the comparator's step costs: CPU microseconds a pair, from batches to encoded rows, the least of repeats.

A classifier's answers with probabilities, an event id and, in half of the runs, two slices; frames of 500 records.
In the last case there is a canary, too, which takes one record in five and is mirrored.

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
from understudy.core.frames import bitmap_of
from understudy.core.log.contract import Polled, Position, TopicPartition
from understudy.core.topics import EndpointTopics
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from understudy.deployments.plan import Assignment, Lane

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


def sent(assignment: Assignment, base: int) -> Sequence[int]:
    """The records of a frame that a lane gets: its buckets of a thousand, which come in turn."""
    frame = range(base, base + FRAME)
    return frame if assignment.is_whole else [at for at in frame if at % 5 * 200_000 in assignment.buckets]


def route_rows(assignments: Sequence[Assignment], base: int) -> list[bytes]:
    """What the router writes down for one frame."""
    encode = RowEncoder.of("avro", "route").encode
    return [encode(route_row(assignment, sent(assignment, base))) for assignment in assignments]


def route_row(assignment: Assignment, offsets: Sequence[int]) -> dict[str, object]:
    """One lane's."""
    return {
        "kind": "frame",
        "role": assignment.lane.role,
        "version": assignment.lane.version,
        "revision": 1,
        "source_partition": 0,
        "base_offset": offsets[0],
        "span": offsets[-1] + 1 - offsets[0],
        "count": len(offsets),
        "share_ppm": assignment.share_ppm,
        "bitmap": None if assignment.is_whole else bitmap_of(offsets, offsets[0]),
        "part": assignment.part,
    }


def answers(lane: Lane, offsets: Sequence[int], slices: Mapping[str, str]) -> list[bytes]:
    """What a lane's worker writes for one frame; every twentieth answer of a shadow differs."""
    row = PredictionEncoder.of("avro").shared(
        outcome="answered",
        lane=lane.role,
        routed_version=lane.version,
        answered_version=lane.version,
        revision=1,
        share_ppm=1_000_000,
        source_partition=0,
        model_time_ns=10_000 + offsets[0] % 977,
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
        for at in offsets
    ]


def polls(plan: Plan, slices: Mapping[str, str]) -> list[Polled]:
    """Everything that the comparator reads, and its first assignment."""
    assignments = plan.assignments()
    ends = dict.fromkeys(NAMES, 0)
    made = [Polled(assigned={TopicPartition(name, 0): Position(0) for name in NAMES})]
    for start in range(0, RECORDS, FRAME * FRAMES_A_POLL):
        batches: dict[TopicPartition, list[Batch]] = {TopicPartition(name, 0): [] for name in NAMES}
        for base in range(start, start + FRAME * FRAMES_A_POLL, FRAME):
            written = [(TOPICS.routes, route_rows(assignments, base))]
            written += [
                (
                    TOPICS.predictions if each.lane.role == "answering" else TOPICS.shadow_predictions,
                    answers(each.lane, sent(each, base), slices),
                )
                for each in assignments
            ]
            for name, values in written:
                batches[TopicPartition(name, 0)].append(batch_of(values, ends[name], base))
                ends[name] += len(values) + 1
        made.append(Polled(batches))
    return made


def plan_of(shadows: int, canary: Canary | None = None) -> Plan:
    """Production, so many shadows, and perhaps a canary."""
    return Plan(1, "m:production", tuple(f"m:shadow{i}" for i in range(shadows)), canary)


def pairs_in(plan: Plan) -> int:
    """Records that are compared, of shadows and of the canary."""
    return RECORDS * len(plan.shadows) + (0 if plan.canary is None else RECORDS * plan.canary.share_ppm // 1_000_000)


def cost_us(plan: Plan, slices: Mapping[str, str]) -> float:
    """One run, per pair."""
    step = ComparatorStep(TOPICS, RowDecoder.of("avro", "prediction"))
    made = polls(plan, slices)
    began = process_time()
    for second, polled in enumerate(made):
        step.advance(polled, float(second))
    return (process_time() - began) / pairs_in(plan) * 1e6


def main() -> None:
    """Measures and prints a line for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    cases = {
        f"{shadows} shadow(s), {len(slices)} slices": (plan_of(shadows), slices)
        for shadows in (1, 3)
        for slices in ({}, SLICES)
    }
    cases["1 shadow and a canary"] = plan_of(1, Canary("m:canary", 200_000)), {}
    found = {name: min(cost_us(*case) for _ in range(options.repeats)) for name, case in cases.items()}
    for name, cost in found.items():
        print(f"{name:24} {cost:6.1f} us a pair")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
