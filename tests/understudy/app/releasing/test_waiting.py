from __future__ import annotations

from typing import TYPE_CHECKING

from support.releasing import Script

from understudy.app.releasing.waiting import Patience
from understudy.core.log.errors import LogUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


def patience(script: Script, heard: list[str]) -> Patience:
    return Patience(script, heard.append, timeout_s=10.0, hint_after_s=2.0, clock=lambda: script.now_s)


def test_what_is_there_is_not_waited_for() -> None:
    script, heard = Script(), list[str]()

    assert patience(script, heard).until(lambda: "", "a hint") == "done"
    assert (script.now_s, heard) == (0.0, [])


def test_each_thing_that_is_waited_for_is_told_once_and_the_hint_when_it_takes_long() -> None:
    script, heard = Script(), list[str]()
    lacking = iter(["eggs"] * 3 + ["milk"] * 30 + [""])

    assert patience(script, heard).until(lambda: next(lacking), "the shop is open") == "done"
    assert heard == ["Waiting for eggs", "Waiting for milk", "the shop is open"]


def test_patience_ends() -> None:
    script, heard = Script(), list[str]()

    assert patience(script, heard).until(lambda: "eggs", "a hint") == "late"
    assert 10.0 <= script.now_s < 10.2


def test_a_stop_cuts_it_short() -> None:
    script = Script().then(lambda: None, lambda: True)

    assert patience(script, []).until(lambda: "eggs", "a hint") == "stopped"


def test_an_outage_is_waited_out() -> None:
    script, heard = Script(), list[str]()
    answers: Iterator[str | LogUnavailable] = iter([LogUnavailable("No broker answers."), "eggs", ""])

    def lacking() -> str:
        answer = next(answers)
        if isinstance(answer, LogUnavailable):
            raise answer
        return answer

    assert patience(script, heard).until(lacking, "a hint") == "done"
    assert heard == ["Waiting for the broker: No broker answers.", "Waiting for eggs"]
