"""The demo as a process whose output is no terminal, in memory and on real Kafka: every figure adds up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.endpoint import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

WINDOW = 300
TIMEOUT_S = 900.0
FIRST, REFACTORED, BROKEN, BETTER = "flights:v1", "flights:v4", "flights:v3_hours", "flights:v2"
COMMANDS = [
    f"understudy deploy {FIRST} --strategy basic",
    f"understudy deploy {REFACTORED} --strategy shadow",
    f"understudy promote {REFACTORED}",
    f"understudy deploy {BROKEN} --strategy shadow",
    f"understudy rollback {BROKEN}",
    f"understudy deploy {BETTER} --strategy canary --share 5",
    f"understudy deploy {BETTER} --strategy canary --share 25",
    f"understudy promote {BETTER}",
    f"understudy deploy {BROKEN} --strategy canary --share 5",
    f"understudy rollback {BROKEN}",
    f"understudy deploy {BROKEN} --strategy basic",
    f"understudy rollback {BROKEN}",
]


@pytest.mark.parametrize("broker", ["memory", pytest.param("kafka", marks=pytest.mark.kafka)])
def test_the_demo_releases_good_versions_and_takes_back_the_broken_one_while_every_flight_is_answered_once(
    broker: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    given = request.getfixturevalue("kafka_bootstrap") if broker == "kafka" else broker

    done = Endpoint(tmp_path, "nothing-of-the-demo", "127.0.0.1:1").run(
        "demo", "--fast", "--json", "figures.json", "--broker", given, timeout_s=TIMEOUT_S
    )

    check_text(done.stdout, done.stderr)
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [change["command"] for change in figures["changes"]] == COMMANDS
    assert [change["plan"]["revision"] for change in figures["changes"]] == list(range(1, 13))
    check_proof(figures)
    check_strategies(figures["strategies"])
    check_evidence({each["plan"]["revision"]: each for each in figures["changes"]})
    if broker == "kafka":
        assert "its worker is ended first: kill -9 " in done.stdout


def check_text(out: str, err: str) -> None:
    """Plain text for people."""
    assert "Traceback" not in out + err
    assert "\x1b" not in out + err
    assert not err
    assert "Exactly once: 0 unanswered, 0 answered twice, 0 errors." in out
    for command in COMMANDS:
        assert f"$ {command}\n" in out


def check_proof(figures: dict[str, Any]) -> None:
    """Every flight has one answer, by whom the routing function says, and the ledger is closed."""
    found = figures["proof"]
    assert figures["sound"]
    assert found["flights"] == sum(change["answers"] for change in figures["changes"]) > 8 * WINDOW
    for impossible in ("unanswered", "doubled", "failed", "strangers", "misrouted", "misplaced", "usurped"):
        assert found[impossible] == 0, impossible
    assert (found["in_flight"], found["residual"]) == (0, 0)
    assert found["routed"] > found["flights"]
    assert figures["planes_moved_back"] == figures["users_answers_from_the_shadow"] == 0


def check_strategies(measured: list[dict[str, Any]]) -> None:
    """Cost and risk are as the textbook has them."""
    basic, shadow, canary = measured
    assert {each["flights"] for each in measured} == {WINDOW}
    assert (basic["executions"], basic["touched"]) == (WINDOW, WINDOW)
    assert (shadow["executions"], shadow["touched"], shadow["wrong"]) == (2 * WINDOW, 0, 0)
    assert WINDOW < canary["executions"] < 1.2 * WINDOW
    assert 0 < canary["touched"] < 0.2 * WINDOW


def check_evidence(changes: dict[int, dict[str, Any]]) -> None:
    """The rewrite agrees, the broken version does not, and of that only a share gets to users."""
    rewrite, broken = changes[2]["pairs"][REFACTORED], changes[4]["pairs"][BROKEN]
    assert rewrite["differing"] <= 0.01 * rewrite["flights"]
    assert broken["differing"] > 0.03 * broken["flights"]
    assert broken["compared"]["mismatched"] == broken["differing"]
    assert broken["candidate_right"] < broken["production_right"]
    for revision in (6, 7, 9):
        canary = changes[revision]["plan"]["canary"]["version"]
        answered = changes[revision]["answers_by_version"][canary]
        assert changes[revision]["pairs"][canary]["flights"] == answered > 0
    assert changes[9]["answers_by_version"][BROKEN] < 0.2 * changes[9]["answers"]
