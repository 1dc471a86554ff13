from __future__ import annotations

from functools import partial

import pytest
from support.supervising import Child

from understudy.app.supervising.household import GRACE_S, Household
from understudy.app.supervising.launching import FENCED
from understudy.core.log.errors import Fenced


class Home:
    """A household of a router and a worker, whose processes and clock are played by hand."""

    def __init__(self) -> None:
        self.children: dict[str, list[Child]] = {"router": [], "worker": []}
        self.has_room = True
        self.household = Household({name: partial(self.start, name) for name in self.children}, 0.0)

    def start(self, name: str) -> Child:
        if not self.has_room:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.children[name].append(Child())
        return self.children[name][-1]

    def child(self, name: str) -> Child:
        return self.children[name][-1]


@pytest.fixture
def home() -> Home:
    return Home()


def test_it_is_ready_when_all_are(home: Home) -> None:
    home.household.look(0.1)
    assert home.household.unready() == "the router is starting, the worker is starting"

    home.child("router").ready = True
    home.household.look(0.2)
    assert home.household.unready() == "the worker is starting"

    home.child("worker").ready = True
    home.household.look(0.3)
    assert home.household.unready() == ""

    home.child("router").ready = False
    home.household.look(0.4)
    assert home.household.unready() == "the router is starting"


@pytest.mark.parametrize("code", [0, 1, -9])
def test_who_ends_is_started_again_after_a_while_and_others_stay(home: Home, code: int) -> None:
    home.child("worker").ready = True
    home.household.look(1.0)
    home.child("router").code = code
    home.household.look(2.0)
    assert home.household.lives == {"router": "backing off", "worker": "running"}

    home.household.look(2.4)
    assert len(home.children["router"]) == 1

    home.household.look(2.6)
    assert len(home.children["router"]) == 2
    assert home.household.lives == {"router": "starting", "worker": "running"}


def test_who_cannot_be_started_is_tried_again_later_and_others_stay(home: Home) -> None:
    home.child("worker").ready = True
    home.child("router").code = -9
    home.household.look(1.0)
    home.has_room = False
    home.household.look(2.0)
    home.household.look(2.1)
    assert home.household.lives == {"router": "backing off", "worker": "running"}

    home.has_room = True
    home.household.look(4.0)

    assert home.household.lives == {"router": "starting", "worker": "running"}
    assert len(home.children["router"]) == 2


def test_waits_grow_with_every_death(home: Home) -> None:
    now_s, waits_s = 0.0, []
    for _ in range(4):
        home.child("router").code = 1
        home.household.look(now_s)
        died_s, born = now_s, len(home.children["router"])
        while len(home.children["router"]) == born:
            now_s += 0.125
            home.household.look(now_s)
        waits_s.append(now_s - died_s)

    assert waits_s == [0.5, 1.0, 2.0, 4.0]


def test_a_slot_that_somebody_else_has_ends_it(home: Home) -> None:
    home.child("worker").code = FENCED

    with pytest.raises(Fenced, match=r"slot of this worker.*--slot"):
        home.household.look(1.0)


def test_all_are_told_to_end_and_who_takes_too_long_is_killed(home: Home) -> None:
    home.household.look(0.0)
    home.household.stop(1.0)
    home.child("router").code = 0

    assert home.household.stopping(1.0)
    assert home.household.lives == {"router": "stopped", "worker": "stopping"}
    assert home.household.stopping(1.0 + GRACE_S)
    assert not home.household.stopping(1.0 + GRACE_S)
    assert home.child("router").told == ["terminate"]
    assert home.child("worker").told == ["terminate", "kill"]


def test_who_waits_to_be_started_again_is_not_at_the_end(home: Home) -> None:
    home.child("router").code = 1
    home.household.look(1.0)

    home.household.stop(1.1)
    home.child("worker").code = 0

    assert not home.household.stopping(9.0)
    assert len(home.children["router"]) == 1
