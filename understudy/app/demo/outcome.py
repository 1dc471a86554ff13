"""What a run of the demo came to, and the same as JSON with every figure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.demo.figures import Answers, Differing
    from understudy.app.demo.scoreboard import Scoreboard, Shadow
    from understudy.app.status.facts import Lane


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that was played to its end.

    broker: memory, or its host:port. delay_p50_ms, delay_p99_ms: from writing an event to its visible answer, over
    all of them. took_s: seconds by part of the run, in order.
    """

    broker: str
    endpoint: str
    board: Scoreboard
    delay_p50_ms: float | None
    delay_p99_ms: float | None
    took_s: Mapping[str, float]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Every figure of the run."""
    board = outcome.board
    return {
        "broker": outcome.broker,
        "endpoint": outcome.endpoint,
        "took_s": {part: round(seconds, 3) for part, seconds in outcome.took_s.items()},
        "events": board.produced,
        "answered": board.answered,
        "unanswered": board.missing,
        "answered_twice": board.doubled,
        "error_rows": board.failed,
        "users_answers_from_a_shadow": board.touched,
        "events_per_s": round(board.answered / board.elapsed_s, 1) if board.elapsed_s else None,
        "delay_ms": {"p50": outcome.delay_p50_ms, "p99": outcome.delay_p99_ms},
        "ledger": {"routed": board.owed, "in_flight": board.in_flight, "residual": board.residual},
        "production": _lane(board.production, board.production_answers),
        "shadows": [_shadow(shadow) for shadow in board.shadows],
    }


def _shadow(shadow: Shadow) -> dict[str, Any]:
    differing = [_differing(each) for each in shadow.differing]
    return _lane(shadow.lane, shadow.answers) | {"differs": shadow.differs, "examples": differing}


def _lane(lane: Lane, answers: Answers) -> dict[str, Any]:
    return lane.as_json() | {"accuracy": answers.accuracy, "judged": answers.judged}


def _differing(each: Differing) -> dict[str, Any]:
    return {
        "event_id": each.flight.event["event_id"],
        "production": json.loads(each.production),
        "shadow": json.loads(each.shadow),
        "late": each.flight.late,
    }
