"""Keeps an endpoint's roles running: for `understudy up`, one process each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from understudy.app.supervising import life
from understudy.app.supervising.launching import FENCED, launched
from understudy.app.supervising.restarts import FIRST_WAIT_S, Restarts
from understudy.core.exits import told_exit
from understudy.core.log.errors import Fenced
from understudy.core.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from understudy.app.supervising.launching import Handle

GRACE_S: Final = 9.0
"""How long a role may take to end: longer than its supervisor gives the workers, whom it waits for."""


@dataclass(slots=True)
class Member:
    """One role's process. due_s: when it is started again. Times are the caller's clock's."""

    handle: Handle
    started_s: float
    state: life.State = "starting"
    restarts: Restarts = field(default_factory=Restarts)
    due_s: float = 0.0


class Household:
    """Processes that are all to run, each started again when it ends, until they are all told to end.

    start: starts one, by its name; in this order. For one thread, which calls `look` every now and then, and in the
    end `stop`, and `stopping` until it answers False.
    """

    def __init__(self, start: Mapping[str, Callable[[], Handle]], now_s: float) -> None:
        self._start: Final = start
        self._members: Final = {name: Member(begin(), now_s) for name, begin in start.items()}
        self._kill_s = float("inf")
        self._telling: Final = logger("understudy")

    @property
    def lives(self) -> Mapping[str, life.State]:
        """Every process, and its state."""
        return {name: member.state for name, member in self._members.items()}

    def look(self, now_s: float) -> None:
        """See what became of them, and start again who is due.

        Raises Fenced where somebody else runs under the slot of one.
        """
        for name, member in self._members.items():
            self._notice(name, member, now_s)
            if member.state == "backing off" and now_s >= member.due_s:
                member.state = life.after(member.state, "due")
                member.handle = launched(self._start[name], self._telling.bind(role=name))
                member.started_s = now_s

    def unready(self) -> str:
        """Why the endpoint is not served yet; "" where it is."""
        waiting = [f"the {name} is {state}" for name, state in self.lives.items() if state != "running"]
        return ", ".join(waiting)

    def stop(self, now_s: float) -> None:
        """Tell all to end."""
        self._kill_s = now_s + GRACE_S
        for member in self._members.values():
            if member.state != "stopped":
                member.state = life.after(member.state, "unwanted")
            if member.state == "stopping":
                member.handle.terminate()

    def stopping(self, now_s: float) -> bool:
        """After `stop`: whether some are left. Who takes too long is killed."""
        for name, member in self._members.items():
            self._notice(name, member, now_s)
            if member.state == "stopping" and now_s >= self._kill_s:
                member.handle.kill()
        return any(state == "stopping" for state in self.lives.values())

    def _notice(self, name: str, member: Member, now_s: float) -> None:
        if member.state not in {"starting", "running", "stopping"}:
            return
        code = member.handle.exit_code()
        if code is not None:
            self._ended(name, member, code, now_s)
        elif member.state == "starting" and member.handle.is_ready():
            member.state = life.after(member.state, "ready")
            self._telling.info("ready", role=name)
        elif member.state == "running" and not member.handle.is_ready():
            member.state = life.after(member.state, "waiting")

    def _ended(self, name: str, member: Member, code: int, now_s: float) -> None:
        was_told = member.state == "stopping"
        member.state = life.after(member.state, "ended" if code == 0 else "died")
        if was_told:
            return
        if code == FENCED:
            raise Fenced(
                f"Another instance has the slot of this {name}: the endpoint is up somewhere else under the same slot. "
                "Give every `understudy up` a slot of its own, with --slot."
            )
        member.restarts = member.restarts.died(now_s, now_s - member.started_s)
        member.due_s = now_s + (FIRST_WAIT_S if code == 0 else member.restarts.wait_s)
        self._telling.warning("ended", role=name, how=told_exit(code), again_in_s=member.due_s - now_s)
