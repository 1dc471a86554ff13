"""Shadows broken in every way, beside a good one: production answers, the good one is compared, and all is told."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from support.endpoint import until
from support.observer import Rows

from understudy.models import register

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka

EVENTS = 6_000
PRODUCTION = "flights:v1"
GOOD = "flights:v4"
RAISES = "flights:raises"
NOT_A_NUMBER = "flights:not-a-number"
TOO_WIDE = "flights:too-wide"
HANGS = "flights:hangs"
DAMAGED = "flights:damaged"
ABSENT = "flights:absent"
FAILING = {
    RAISES: "model_raised: ValueError: Found unknown categories",
    NOT_A_NUMBER: "not_finite: the model's probabilities are [nan, nan]",
    TOO_WIDE: "wrong_shape: the model returned an array of shape (1, 3) for 1 rows, not (1, 2)",
}
"""What fails on every record, and what is said of it."""


@pytest.fixture
def bad_models(registry: Path) -> None:
    """Registers them: with an example that hides the fault, without one, or to be damaged later."""
    carriers = pd.DataFrame({"carrier": ["a carrier", "of another country"] * 20})
    narrow_minded = make_pipeline(OneHotEncoder(handle_unknown="error"), LogisticRegression())
    narrow_minded.fit(carriers, [False, True] * 20)
    register(narrow_minded, RAISES, registry=registry, example=carriers)

    not_a_number = by_distance()
    not_a_number.coef_[:] = np.nan
    register(not_a_number, NOT_A_NUMBER, registry=registry, columns=["distance:int"])

    too_wide = by_distance(classes=3)
    too_wide.classes_ = too_wide.classes_[:2]
    register(too_wide, TOO_WIDE, registry=registry, columns=["distance:int"])

    for ref in (HANGS, DAMAGED, ABSENT):
        register(by_distance(), ref, registry=registry, columns=["distance:int"])
    (registry / DAMAGED.replace(":", "/") / "model.skops").write_bytes(b"PK\x03\x04 not what was registered")


def by_distance(classes: int = 2) -> Any:
    """A sound little model."""
    miles = np.arange(100.0, 2_500.0, 100.0).reshape(-1, 1)
    return LogisticRegression().fit(miles, np.arange(len(miles)) % classes)


@pytest.mark.usefixtures("bad_models")
def test_broken_shadows_hurt_neither_production_nor_each_other(
    flights_endpoint: Callable[..., Endpoint],
    observer: Observer,
    produce_flights: Callable[[Endpoint, int], None],
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [GOOD, *FAILING, HANGS, DAMAGED, ABSENT])
    park_early(endpoint)
    start(endpoint)
    produce_flights(endpoint, EVENTS // 3)
    until(lambda: endpoint.answered(HANGS) > 0, 120, "answers of the one that will hang")
    endpoint.processes[slot_of(HANGS)].send_signal(signal.SIGSTOP)
    produce_flights(endpoint, EVENTS - EVENTS // 3)

    until(lambda: endpoint.answered(PRODUCTION) == EVENTS, 120, "production's answers")
    until(lambda: all(endpoint.compared(ref) == EVENTS for ref in (GOOD, *FAILING)), 120, "the pairs")
    assert production_answers(endpoint, observer) == Counter({("answered", PRODUCTION): EVENTS})
    assert endpoint.processes.pop(slot_of(DAMAGED)).wait(timeout=1) == 1
    assert "sha256" in endpoint.logged(slot_of(DAMAGED)).splitlines()[-1]
    until(lambda: is_missed(endpoint, HANGS), 120, "the group's notice that one hangs")
    check_status(endpoint.status())

    endpoint.processes[slot_of(HANGS)].send_signal(signal.SIGCONT)
    until(lambda: endpoint.compared(HANGS) == EVENTS, 120, "the pairs of the one that hung")
    assert endpoint.status()["ledger"]["residual"] == 0
    running = list(endpoint.processes)
    assert [endpoint.stop(slot) for slot in running] == [0] * len(running)


def park_early(endpoint: Endpoint) -> None:
    """A lane that is 1,000 records behind is parked: that must hold up nobody else."""
    file = endpoint.folder / "understudy.toml"
    file.write_text(file.read_text() + "max_lag_records = 1_000\n")


def start(endpoint: Endpoint) -> None:
    """Run every role; but one shadow's worker is forgotten."""
    endpoint.start("router", "router")
    for ref in (PRODUCTION, GOOD, *FAILING, HANGS, DAMAGED):
        endpoint.start(slot_of(ref), "worker", ref)
    endpoint.start("comparator", "comparator")


def slot_of(ref: str) -> str:
    """Where the worker of a version runs."""
    return ref.partition(":")[2]


def production_answers(endpoint: Endpoint, observer: Observer) -> Counter[tuple[str, str]]:
    """What users read, by outcome and version."""
    decoder = Rows("prediction")
    rows = (decoder.decode(seen.value) for seen in observer.records(f"{endpoint.name}.predictions"))
    return Counter((row["outcome"], row["answered_version"]) for row in rows)


def is_missed(endpoint: Endpoint, ref: str) -> bool:
    """Whether the status says that nobody runs it."""
    return any(f"{ref} is not running" in problem for problem in endpoint.status()["problems"])


def check_status(status: dict[str, Any]) -> None:
    """A sentence for each that is broken, and none for the others."""
    problems = status["problems"]
    assert len(problems) == len(FAILING) + 3, problems
    for ref, why in FAILING.items():
        assert any(
            problem.startswith(f"shadow {ref} fails on every record ({EVENTS:,} so far): {why}") for problem in problems
        ), problems
    for ref in (HANGS, DAMAGED, ABSENT):
        (told,) = (problem for problem in problems if problem.startswith(f"shadow {ref} is not running"))
        assert "records behind" in told
    lanes = {lane["version"]: lane for lane in status["lanes"]}
    assert status["ledger"]["residual"] == 0
    assert (lanes[ABSENT]["routed"], lanes[ABSENT]["in_flight"]) == (EVENTS, EVENTS)
    assert lanes[GOOD]["comparison"]["pairs"] == EVENTS
    assert lanes[GOOD]["comparison"]["matched"] + lanes[GOOD]["comparison"]["mismatched"] == EVENTS
    for ref in FAILING:
        assert lanes[ref]["comparison"]["failed_candidate"] == EVENTS
