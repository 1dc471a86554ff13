from __future__ import annotations

from typing import get_args

import pytest

from understudy.app.supervising.life import TRANSITIONS, Event, State, after


def reachable(start: State) -> set[State]:
    found: set[State] = {start}
    while more := {to for (state, _), to in TRANSITIONS.items() if state in found} - found:
        found |= more
    return found


def test_every_state_is_reached_and_every_event_used() -> None:
    assert reachable("starting") == set(get_args(State))
    assert {event for _, event in TRANSITIONS} == set(get_args(Event))


@pytest.mark.parametrize("state", [state for state in get_args(State) if state != "stopped"])
def test_whatever_is_not_wanted_stops(state: State) -> None:
    after_unwanted = state if state == "stopping" else after(state, "unwanted")

    assert after_unwanted in {"stopping", "stopped"}
    assert after("stopping", "died") == "stopped"


def test_who_is_stopped_stays_so() -> None:
    assert [event for state, event in TRANSITIONS if state == "stopped"] == []


def test_an_event_that_cannot_be_is_an_error() -> None:
    with pytest.raises(KeyError):
        after("stopped", "ready")
