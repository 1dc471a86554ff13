"""The demo as a process whose output is no terminal, in memory and on real Kafka: every figure adds up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.endpoint import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 3_000
PRODUCTION = "flights:v1"
REFACTORED = "flights:v4"
BROKEN = "flights:v3_hours"


@pytest.mark.parametrize("broker", ["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_the_demo_answers_every_flight_once_and_tells_the_good_shadow_from_the_broken_one(
    broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue("kafka_bootstrap") if broker == "kafka" else broker

    done = Endpoint(tmp_path, "nothing-of-the-demo", "127.0.0.1:1").run(
        "demo", "--fast", "--json", "figures.json", "--broker", given
    )

    check_text(done.stdout, done.stderr)
    figures = json.loads((tmp_path / "figures.json").read_text())
    check_production(figures)
    shadows = {shadow["version"]: shadow for shadow in figures["shadows"]}
    for shadow in shadows.values():
        check_lane(shadow)
        assert shadow["comparison"]["matched"] + shadow["comparison"]["mismatched"] == EVENTS
    assert share_matched(shadows[REFACTORED]) > 0.99
    assert share_matched(shadows[BROKEN]) < 0.9
    assert shadows[BROKEN]["accuracy"] < figures["production"]["accuracy"] - 0.05


def check_text(out: str, err: str) -> None:
    """Plain text for people."""
    assert "Traceback" not in out + err
    assert "\x1b" not in out + err
    assert not err
    assert f"Your users got {EVENTS:,} answers to {EVENTS:,} flights" in out
    assert "Exactly once: 0 unanswered, 0 answered twice, 0 errors." in out


def check_production(figures: dict[str, Any]) -> None:
    """Every event has one answer of production's."""
    assert figures["events"] == figures["answered"] == EVENTS
    assert figures["unanswered"] == figures["answered_twice"] == figures["error_rows"] == 0
    assert figures["users_answers_from_a_shadow"] == 0
    assert figures["ledger"] == {"routed": 3 * EVENTS, "in_flight": 0, "residual": 0}
    assert figures["production"]["version"] == PRODUCTION
    check_lane(figures["production"])


def check_lane(lane: dict[str, Any]) -> None:
    """A version was asked about every event, and answered it."""
    assert (lane["routed"], lane["answered"], lane["failed"]) == (EVENTS, EVENTS, 0)
    assert lane["in_flight"] == lane["residual"] == 0


def share_matched(shadow: dict[str, Any]) -> float:
    matched: float = shadow["comparison"]["matched"] / shadow["comparison"]["pairs"]
    return matched
