"""What the demo has shown: in sentences for people, and as JSON with every figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from understudy.app.demo import scenery
from understudy.app.demo.screen import share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.app.demo.figures import Answers
    from understudy.app.demo.scoreboard import Scoreboard, Shadow
    from understudy.app.status.facts import Lane

AGREES_BELOW: Final = 0.01
"""A shadow that differs on less than this share is said to agree; a policy will decide that properly."""


def summary(board: Scoreboard) -> str:
    """The end of the demo, in a few paragraphs."""
    return "\n".join([*_users(board), "", *(line for shadow in board.shadows for line in (*_shadow(shadow), ""))])


def _users(board: Scoreboard) -> list[str]:
    production = board.production.version
    right = "" if board.production_answers.accuracy is None else f", {share(board.production_answers.accuracy)} right"
    return [
        f"What your users saw: {board.answered:,} flights, each answered by {production}{right}.",
        (
            f"  Exactly once: {board.missing:,} of {board.produced:,} unanswered, {board.doubled:,} answered twice; "
            f"{board.failed:,} error rows."
        ),
        (
            f"  From writing an event to its visible answer: {_ms(board.delay_p50_ms)} in the median, "
            f"{_ms(board.delay_p99_ms)} for 99 of 100."
        ),
        f"  Answers of a shadow that reached a user: {board.touched:,}.",
        (
            f"  The ledger: {sum(lane.count('routed') for lane in board.lanes):,} records owed in "
            f"{len(board.lanes)} lanes, {board.in_flight:,} outstanding, residual {board.residual:,}."
        ),
    ]


def _shadow(shadow: Shadow) -> list[str]:
    what = {version.ref: version.what for version in scenery.VERSIONS}[shadow.lane.version]
    differing = shadow.pairs - shadow.lane.pairs.get("matched", 0)
    agrees = shadow.differs is not None and shadow.differs < AGREES_BELOW
    verdict = "agrees with production" if agrees else "caught, before anybody used it"
    lines = [
        f"{shadow.lane.version} ({what}): {verdict}.",
        (
            f"  {differing:,} of {shadow.pairs:,} answers differ from production's ({share(shadow.differs)}); "
            f"{share(shadow.answers.accuracy)} right."
        ),
    ]
    if not agrees:
        lines += [f"  Released blind, it would have changed {differing:,} answers. For instance:"]
        lines += [f"    {_example(example)}" for example in shadow.differing[:3]]
    return lines


def _example(example: Mapping[str, Any]) -> str:
    return f"{example['event_id']}: production {_said(example['production'])}, shadow {_said(example['candidate'])}"


def _said(answer: str) -> str:
    """An example's answer, which is JSON."""
    told = json.loads(answer)
    chance = f" ({told['probabilities'][-1]:.0%})" if told.get("probabilities") else ""
    return f"{'late' if told.get('label') else 'on time'}{chance}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f} ms"


def as_json(board: Scoreboard, broker: str) -> dict[str, Any]:
    """Every figure of the run."""
    return {
        "broker": broker,
        "elapsed_s": round(board.elapsed_s, 3),
        "events": board.produced,
        "answered": board.answered,
        "unanswered": board.missing,
        "answered_twice": board.doubled,
        "error_rows": board.failed,
        "users_answers_from_a_shadow": board.touched,
        "events_per_s": round(board.rate_per_s, 1),
        "delay_ms": {"p50": board.delay_p50_ms, "p99": board.delay_p99_ms},
        "ledger": {"in_flight": board.in_flight, "residual": board.residual},
        "production": _lane(board.production, board.production_answers),
        "shadows": [
            _lane(shadow.lane, shadow.answers) | {"differs": shadow.differs, "examples": list(shadow.differing)}
            for shadow in board.shadows
        ],
    }


def _lane(lane: Lane, answers: Answers) -> dict[str, Any]:
    return lane.as_json() | {"accuracy": answers.accuracy, "judged": answers.judged}
