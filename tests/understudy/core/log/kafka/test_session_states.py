from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from understudy.core.log.kafka.session_states import TRANSITIONS, Event, IllegalEvent, State, after, mermaid


def reachable(start: State) -> set[State]:
    found: set[State] = {start}
    while more := {following for (state, _), following in TRANSITIONS.items() if state in found} - found:
        found |= more
    return found


def test_every_state_is_reached_and_every_event_is_used() -> None:
    assert reachable("starting") == set(get_args(State))
    assert {event for _, event in TRANSITIONS} == set(get_args(Event))


@pytest.mark.parametrize("state", [state for state in get_args(State) if state not in {"fenced", "closed"}])
def test_every_live_state_can_serve_again_can_be_fenced_and_can_be_closed(state: State) -> None:
    assert {"serving", "fenced", "closed"} <= reachable(state)
    assert after(state, "fenced") == "fenced"
    assert after(state, "closed") == "closed"


def test_fenced_and_closed_are_final() -> None:
    assert reachable("closed") == {"closed"}
    assert reachable("fenced") == {"fenced", "closed"}


def test_a_lost_transaction_is_ended_and_positions_are_read_before_anything_is_served() -> None:
    state: State = after("committing", "lost")
    with pytest.raises(IllegalEvent, match="recovering cannot have the event began"):
        after(state, "began")
    assert after(after(state, "id_taken"), "positions_read") == "serving"


def test_the_diagram_shows_every_arrow() -> None:
    diagram = mermaid()
    assert diagram.startswith("stateDiagram-v2\n    [*] --> starting\n")
    assert "    committing --> recovering: lost\n" in diagram
    shown = sum(" --> " in line and ": " in line for line in diagram.splitlines())
    assert shown == sum(event not in {"fenced", "closed"} for _, event in TRANSITIONS)


def test_the_documentation_shows_the_diagram() -> None:
    assert mermaid() in (Path(__file__).parents[5] / "docs" / "session.md").read_text(encoding="utf-8")
