"""What is no event costs itself an answer, and nobody else: written by every codec, between good events."""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until
from support.observer import Rows
from support.producer import Producer

from examples.flights.events import encoded, events
from understudy.core.frames import FrameHeader, encode_header

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from support.endpoint import Endpoint
    from support.observer import Observer, Seen

pytestmark = pytest.mark.kafka

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
PRODUCTION = "flights:v1"
SHADOW = "flights:v4"
VERSIONS = {"predictions": PRODUCTION, "shadow-predictions": SHADOW}
PARTITIONS = 2
TIME_MS = 1_365_000_000_000
LETTER_BYTES = 1_000_000
"""What a dead letter holds at most; beyond it there is a pointer."""

SPOOFED = (
    ("__connect.errors.offset", b"-1"),
    ("__connect.errors.exception.message", b"all is well"),
    ("__connect.errors.connector.name", b"flights:v9"),
)
FLIGHT = next(events(1))
(GOOD,) = encoded([FLIGHT])
(INFINITE,) = encoded([replace(FLIGHT, event={**FLIGHT.event, "wind_speed": math.inf})])
NOISE = random.Random(7).randbytes(1_040_000)


@dataclass(frozen=True, slots=True)
class Case:
    """A record, and the kind of error that becomes of it; None: it is answered."""

    name: str
    value: bytes | None
    error_kind: str | None = "undecodable"
    key: bytes | None = b"N12345"
    headers: tuple[tuple[str, bytes | None], ...] = ()


CASES = (
    Case("random bytes", NOISE[:200]),
    Case("an event that was cut", GOOD.value[:-20]),
    Case("less than a header", GOOD.value[:6]),
    Case("a fingerprint that nobody knows", b"\xc3\x01" + NOISE[:8] + GOOD.value[10:]),
    Case("an event with something behind it", GOOD.value + b"\0"),
    Case("no bytes", b""),
    Case("a tombstone", None),
    Case("a tombstone without a key", None, key=None),
    Case("900 kB", NOISE[:900_000]),
    Case("more than a dead letter holds", NOISE),
    Case("what looks like a frame header", encode_header(FrameHeader(1, 0, 0, 5, 5))),
    Case("what looks like an END", encode_header(FrameHeader(1, 0, 0, 0, 0)), key=None),
    Case("garbage with headers", b"no event", headers=(("trace", b"\xff\0"), ("trace", None), ("", b""))),
    Case("garbage that says how it failed", b"no event", headers=SPOOFED),
    Case("what the models do not take", INFINITE.value, "model_raised"),
    Case("an event without a key", GOOD.value, None, key=None),
    Case("an event with an empty key", GOOD.value, None, key=b""),
    Case("an event with headers", GOOD.value, None, headers=(("trace", b"1"), *SPOOFED)),
)
SERIES = tuple(case for each in CASES for case in (Case("a neighbour", GOOD.value, None), each))


@pytest.fixture
def endpoint(flights_endpoint: Callable[..., Endpoint]) -> Endpoint:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW], partitions=PARTITIONS)
    endpoint.start("router-0", "router")
    endpoint.start("production-0", "worker", PRODUCTION)
    endpoint.start("shadow-0", "worker", SHADOW)
    endpoint.start("comparator-0", "comparator")
    return endpoint


def test_garbage_costs_itself_an_answer_and_nobody_else(endpoint: Endpoint, observer: Observer) -> None:
    sent = produce_series(endpoint)
    failed = {at: case for at, case in sent.items() if case.error_kind}
    until(lambda: endpoint.compared(SHADOW) >= len(sent), 120, f"{len(sent)} pairs")

    for topic, version in VERSIONS.items():
        check_rows(list(observer.records(f"{endpoint.name}.{topic}")), version, sent)
    check_letters(list(observer.records(f"{endpoint.name}.dead-letters")), endpoint.name, failed)
    status = endpoint.status()
    assert status["ledger"]["in_flight"] == status["ledger"]["residual"] == 0
    for lane in status["lanes"]:
        counts = len(sent), len(sent) - len(failed), len(failed)
        assert (lane["routed"], lane["answered"], lane["failed"]) == counts
    assert pairs_of(endpoint, observer) == {"failed_both": len(failed), "matched": len(sent) - len(failed)}
    assert [problem.split(":")[0] for problem in status["problems"]] == ["production flights", "shadow flights"]
    assert all(f"failed on {len(failed)} of {len(sent)} records" in problem for problem in status["problems"])
    assert not any("all is well" in problem for problem in status["problems"])
    for topic, count in (("input", len(sent)), ("predictions", len(sent)), ("dead-letters", 2 * len(failed))):
        shown = endpoint.run("tail", topic, "--from-beginning", "--json").stdout.splitlines()
        assert len([json.loads(line) for line in shown]) == count
    assert [endpoint.stop(slot) for slot in tuple(endpoint.processes)] == [0, 0, 0, 0]


def produce_series(endpoint: Endpoint) -> dict[tuple[int, int], Case]:
    """Every case between good events, by one producer for each codec; where each record stands."""
    sent = {}
    ends = Counter[int]()
    for number, codec in enumerate(CODECS):
        partition = number % PARTITIONS
        settings = {"compression.type": codec, "linger.ms": "200"}
        producer = Producer(endpoint.bootstrap, f"{endpoint.name}.input", settings)
        for case in SERIES:
            producer.send(case.key, case.value, TIME_MS, case.headers, partition)
            sent[partition, ends[partition]] = case
            ends[partition] += 1
        producer.flush()
    return sent


def check_rows(rows: Sequence[Seen], version: str, sent: dict[tuple[int, int], Case]) -> None:
    """One row for every record, with its key, in order; it says what became of the record."""
    decoder = Rows("prediction")
    told = [(seen, decoder.decode(seen.value)) for seen in rows]
    assert sorted((seen.partition, row["source_offset"]) for seen, row in told) == sorted(sent)
    for seen, row in told:
        case = sent[seen.partition, row["source_offset"]]
        assert seen.key == case.key, case.name
        assert row["outcome"] == ("failed" if case.error_kind else "answered"), case.name
        assert row["error_kind"] == case.error_kind, (case.name, row["error"])
        assert (row["label"] is None) == (case.error_kind is not None), case.name
        assert row["answered_version"] == version
    for partition in range(PARTITIONS):
        offsets = [row["source_offset"] for seen, row in told if seen.partition == partition]
        assert offsets == sorted(offsets)


def check_letters(letters: Sequence[Seen], endpoint: str, failed: dict[tuple[int, int], Case]) -> None:
    """Of every record that failed one dead letter from each version: the record as it was, or where it is."""
    found = Counter[tuple[tuple[int, int], str]]()
    for seen in letters:
        ours = dict(seen.headers)
        at = int(ours["__connect.errors.partition"] or 0), int(ours["__connect.errors.offset"] or 0)
        case = failed[at]
        found[at, (ours["__connect.errors.connector.name"] or b"").decode()] += 1
        assert seen.partition == at[0], case.name
        assert seen.key == case.key, case.name
        assert seen.headers[: len(case.headers)] == case.headers, case.name
        assert ours["__connect.errors.topic"] == f"{endpoint}.input".encode()
        assert ours["__connect.errors.exception.class.name"] == f"understudy.{case.error_kind}".encode(), case.name
        assert ours["__connect.errors.exception.message"] not in (b"", b"all is well"), case.name
        if len(case.value or b"") < LETTER_BYTES:
            assert seen.value == case.value, case.name
        else:
            check_pointer(seen, endpoint, at, case)
    assert found == Counter({(at, version): 1 for at in failed for version in VERSIONS.values()})


def check_pointer(seen: Seen, endpoint: str, at: tuple[int, int], case: Case) -> None:
    """It says where the original is, and how to recognise it."""
    pointer = Rows("dead_letter").decode(seen.value)
    value = case.value or b""
    assert (pointer["topic"], pointer["partition"], pointer["offset"]) == (f"{endpoint}.input", *at)
    assert (pointer["size_bytes"], pointer["sha256"]) == (len(value), hashlib.sha256(value).hexdigest())
    assert pointer["first_bytes"]
    assert value.startswith(pointer["first_bytes"])


def pairs_of(endpoint: Endpoint, observer: Observer) -> dict[str, int]:
    """The comparator's pairs by kind."""
    decoder, pairs = Rows("comparison"), Counter[str]()
    for row in (decoder.decode(seen.value) for seen in observer.records(f"{endpoint.name}.comparisons")):
        if row["against"] is not None and row["slice"] is None:
            pairs.update(row["counts"])
    return dict(+pairs)
