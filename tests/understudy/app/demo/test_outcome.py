from __future__ import annotations

import json

from support.demo_run import DemoRun, finished

from understudy.app.demo.outcome import Outcome, as_json, outcome
from understudy.app.demo.scenery import BROKEN


def judged(run: DemoRun) -> Outcome:
    return outcome(run.course, "memory", "flights", 20, 10.0, {"topics": 0.1234, "play": 10.0})


def test_a_run_in_which_all_went_well_is_sound() -> None:
    found = judged(finished())

    assert found.is_sound
    assert (found.moved_back, found.touched_in_shadow) == (0, 0)


def test_an_answer_of_a_shadow_among_the_users_is_unsound() -> None:
    run = finished()
    (flight,) = run.send()

    run.answer(flight, BROKEN)
    run.figures.answered_in[4, BROKEN] += 1

    assert judged(run).touched_in_shadow == 1
    assert not judged(run).is_sound


def test_every_figure_is_in_the_json() -> None:
    figures = json.loads(json.dumps(as_json(judged(finished()))))

    assert (figures["broker"], figures["endpoint"], figures["sound"]) == ("memory", "flights", True)
    assert figures["took_s"] == {"topics": 0.123, "play": 10.0}
    assert figures["flights_per_s"] == 21.0
    assert figures["proof"]["flights"] == 210
    assert [each["strategy"] for each in figures["strategies"]] == ["basic", "shadow", "canary"]
    assert figures["strategies"][1]["executions_per_flight"] == 2.0
    assert figures["versions"]["flights:v1"]["accuracy"] == 1.0
    assert len(figures["changes"]) == 11
    shadowed = figures["changes"][3]
    assert shadowed["command"] == "understudy deploy flights:v3_hours --strategy shadow"
    assert (shadowed["answers"], shadowed["answers_by_version"][BROKEN], shadowed["reclaimed"]) == (20, 0, 0)
    assert shadowed["pairs"][BROKEN]["compared"] == {"matched": 10, "mismatched": 10}
    assert shadowed["pairs"][BROKEN]["lost"] == 10
