"""Reads an endpoint's topics for the checker: confluent-kafka, read_committed, and fastavro with the schema files."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from support.checking.rows import Answer, Evidence, Letter, Planned, Route
from support.observer import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from support.observer import Observer, Seen

T = TypeVar("T")
ERRORS = "__connect.errors."


def read(observer: Observer, endpoint: str) -> Evidence:
    """What an endpoint's topics hold now."""
    routes, predictions = Rows("route"), Rows("prediction")
    compared, deployed = Rows("comparison"), Rows("deployment")
    inputs: defaultdict[int, dict[int, bytes | None]] = defaultdict(dict)
    for seen in observer.records(f"{endpoint}.input"):
        inputs[seen.partition][seen.offset] = seen.key
    events = [deployed.decode(seen.value) for seen in observer.records(f"{endpoint}.deployments")]
    return Evidence(
        dict(inputs),
        _by_partition(observer, f"{endpoint}.routes", lambda seen: _route(routes.decode(seen.value))),
        _by_partition(observer, f"{endpoint}.predictions", lambda seen: _answer(seen, predictions.decode(seen.value))),
        _by_partition(
            observer, f"{endpoint}.shadow-predictions", lambda seen: _answer(seen, predictions.decode(seen.value))
        ),
        [_letter(seen) for seen in observer.records(f"{endpoint}.dead-letters")],
        [compared.decode(seen.value) for seen in observer.records(f"{endpoint}.comparisons")],
        _effective(events),
    )


def _by_partition(observer: Observer, topic: str, decode: Callable[[Seen], T]) -> Mapping[int, list[T]]:
    rows: defaultdict[int, list[T]] = defaultdict(list)
    for seen in observer.records(topic):
        rows[seen.partition].append(decode(seen))
    return dict(rows)


def _route(row: dict[str, Any]) -> Route:
    return Route(*(row["count" if name == "records" else name] for name in Route._fields))


def _answer(seen: Seen, row: dict[str, Any]) -> Answer:
    values = row["values"]
    return Answer(
        seen.key,
        seen.timestamp_ms,
        row["outcome"],
        row["lane"],
        row["routed_version"],
        row["answered_version"],
        row["revision"],
        row["share_ppm"],
        row["source_partition"],
        row["source_offset"],
        row["span"],
        (row["label"], row["number"], None if values is None else tuple(values)),
        row["error_kind"],
    )


def _letter(seen: Seen) -> Letter:
    """The last headers of each name are ours; those before may have come with the record."""
    told = {name.removeprefix(ERRORS): value or b"" for name, value in seen.headers if name.startswith(ERRORS)}
    return Letter(seen.partition, told["connector.name"].decode(), int(told["partition"]), int(told["offset"]))


def _effective(events: list[dict[str, Any]]) -> list[Planned]:
    """The changes that took effect: of events with the same sequence, the first."""
    planned: list[Planned] = []
    sequence = 0
    for event in events:
        if event["sequence"] != sequence + 1:
            continue
        sequence += 1
        if event["kind"] == "planned":
            planned.append(Planned(event["action"], event["plan"], event["version"]))
        elif event["kind"] == "withdrawn" and planned:
            planned.append(Planned("withdrawn", planned[-1].plan, event["version"]))
    return planned
