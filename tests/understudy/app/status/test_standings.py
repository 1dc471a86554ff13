from __future__ import annotations

from understudy.app.status.standings import as_json, rows
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Canary, Plan

V1, V2, V3, V4 = (f"flights:v{number}" for number in range(1, 5))
SHA256 = "0" * 64
STATE = State(
    sequence=9,
    plan=Plan(4, V1, (V3,), Canary(V2, 12_500)),
    versions={
        "flights:v0": Standing("retired", SHA256),
        V1: Standing("production", SHA256),
        V2: Standing("canary", SHA256, paused="slow", excluded=frozenset({("answering", 2)})),
        V3: Standing("shadow", SHA256, prepared_for="production"),
        V4: Standing("prepared", SHA256, prepared_for="shadow"),
    },
    previous="flights:v0",
)


def test_a_line_for_each_version_that_is_released_or_about_to_be() -> None:
    assert rows(STATE, ()) == [
        (V1, "production", "98.75 %", ""),
        (V2, "canary", "1.25 %, mirrored", "paused: slow; excluded in 1 partitions"),
        (V3, "shadow", "100 %", "prepared for production"),
        (V4, "prepared", "-", "prepared for shadow"),
    ]


def test_versions_that_left_are_told_while_they_are_present() -> None:
    assert rows(STATE, {"flights:v0"})[0] == ("flights:v0", "retired", "-", "")


def test_without_a_plan_nothing_has_keys() -> None:
    assert rows(State(versions={V4: STATE.versions[V4]}), ()) == [(V4, "prepared", "-", "prepared for shadow")]


def test_an_unmirrored_canary_and_production_alone() -> None:
    unmirrored = State(plan=Plan(4, V1, canary=Canary(V2, 10_000, mirrored=False)), versions=STATE.versions)
    alone = State(plan=Plan(4, V1), versions={V1: STATE.versions[V1]})

    assert [row[2] for row in rows(unmirrored, ())][:2] == ["99 %", "1 %"]
    assert [row[2] for row in rows(alone, ())] == ["100 %"]


def test_programs_get_all_of_it() -> None:
    told = as_json(STATE)

    assert told["plan"] == STATE.plan.to_json() if STATE.plan else False
    assert (told["sequence"], told["previous"], told["frozen"]) == (9, "flights:v0", "")
    assert told["versions"][V2]["excluded"] == [{"role": "answering", "partition": 2}]
    assert told["versions"]["flights:v0"]["stage"] == "retired"
