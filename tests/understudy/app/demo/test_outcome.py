from __future__ import annotations

import json

from support.demo_run import finished

from understudy.app.demo.outcome import Outcome, as_json


def test_every_figure_is_in_the_json() -> None:
    outcome = Outcome("memory", "flights", finished().board(5.0), 150.0, 400.0, {"topics": 0.1234, "replay": 5.0})

    figures = json.loads(json.dumps(as_json(outcome)))

    assert figures["broker"] == "memory"
    assert figures["took_s"] == {"topics": 0.123, "replay": 5.0}
    assert (figures["events"], figures["answered"], figures["unanswered"], figures["answered_twice"]) == (10, 10, 0, 0)
    assert figures["users_answers_from_a_shadow"] == figures["error_rows"] == 0
    assert figures["events_per_s"] == 2.0
    assert figures["delay_ms"] == {"p50": 150.0, "p99": 400.0}
    assert figures["ledger"] == {"routed": 30, "in_flight": 0, "residual": 0}
    assert (figures["production"]["version"], figures["production"]["accuracy"]) == ("flights:v1", 1.0)
    rewrite, broken = figures["shadows"]
    assert (rewrite["differs"], rewrite["examples"]) == (0.0, [])
    assert (broken["differs"], broken["comparison"]["mismatched"], len(broken["examples"])) == (0.5, 5, 5)
    assert broken["examples"][0] == {
        "event_id": "flight-0",
        "production": {"label": True, "probabilities": [0.09999999999999998, 0.9]},
        "shadow": {"label": False, "probabilities": [0.9, 0.1]},
        "late": True,
    }
