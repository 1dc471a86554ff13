from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import get_args

import pytest

from understudy.deployments.errors import Refused
from understudy.deployments.lifecycle import (
    MEANINGS,
    TRANSITIONS,
    Happening,
    Stage,
    after,
    markdown_table,
    mermaid,
)

STAGES: tuple[Stage, ...] = get_args(Stage)
HAPPENINGS: tuple[Happening, ...] = get_args(Happening)
DOCUMENT = Path(__file__).parents[3] / "docs" / "lifecycle.md"


def reachable(start: Stage) -> set[Stage]:
    found: set[Stage] = {start}
    while more := {following for (stage, _), following in TRANSITIONS.items() if stage in found} - found:
        found |= more
    return found


@pytest.mark.parametrize(("stage", "happening"), list(product(STAGES, HAPPENINGS)))
def test_whatever_happens_is_in_the_table_or_refused_with_a_reason(stage: Stage, happening: Happening) -> None:
    following = TRANSITIONS.get((stage, happening))
    if following is not None:
        assert after("delay:v1", stage, happening) == following
        return
    with pytest.raises(Refused) as refused:
        after("delay:v1", stage, happening)
    reason, _, way_out = str(refused.value).partition(": ")
    assert reason.startswith("delay:v1 ")
    assert reason.endswith(f"so it cannot be {happening}")
    assert way_out


def test_the_table_uses_every_stage_and_happening() -> None:
    assert reachable("new") == set(STAGES)
    assert {happening for _, happening in TRANSITIONS} == set(HAPPENINGS) == set(MEANINGS)


def test_nothing_becomes_new_again_and_nobody_is_stuck() -> None:
    assert "new" not in TRANSITIONS.values()
    assert all("production" in reachable(stage) for stage in STAGES)


def test_nobody_gets_records_without_having_been_prepared() -> None:
    into_plan = {
        (stage, happening)
        for (stage, happening), following in TRANSITIONS.items()
        if following in {"shadow", "canary", "production"} and stage not in {"shadow", "canary", "production"}
    }
    assert {stage for stage, _ in into_plan} == {"prepared", "retired"}
    assert {happening for stage, happening in into_plan if stage == "retired"} == {"restored"}


def test_only_a_stage_with_lanes_in_the_plan_is_paused_and_production_never() -> None:
    assert {stage for stage, happening in TRANSITIONS if happening in {"paused", "resumed"}} == {"shadow", "canary"}


def test_the_diagram_shows_every_row_of_the_table() -> None:
    lines = mermaid().splitlines()
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> new"]
    shown = {
        (tuple(arrow.strip().split(" --> ")), happening)
        for arrow, _, label in (line.partition(": ") for line in lines[2:])
        for happening in label.split(", ")
    }
    assert shown == {((stage, following), happening) for (stage, happening), following in TRANSITIONS.items()}


def test_the_documentation_has_the_diagram_and_the_table_of_today() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"```mermaid\n{mermaid()}```\n" in text
    assert markdown_table() in text
