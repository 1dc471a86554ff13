"""A supervisor whose workers, releases and clock a test plays by hand."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from understudy.app.supervising.supervisor import Limits, Supervisor
from understudy.app.supervising.wanted import Key

if TYPE_CHECKING:
    from understudy.app.supervising.launching import Launch
    from understudy.app.supervising.life import State as Life
    from understudy.deployments.fold import Standing, State

V1, V2 = "flights:v1", "flights:v2"
PRODUCTION, CANDIDATE = Key(V1, "production"), Key(V2, "candidate")


@dataclass
class Child:
    """A process that a test plays."""

    ready: bool = False
    code: int | None = None
    told: list[str] = field(default_factory=list)

    def is_ready(self) -> bool:
        return self.ready

    def exit_code(self) -> int | None:
        return self.code

    def terminate(self) -> None:
        self.told.append("terminate")

    def kill(self) -> None:
        self.told.append("kill")
        self.code = -9


@dataclass
class WorkerChild(Child):
    """One that was started to work for a version."""

    launch: Launch = field(kw_only=True)


@dataclass
class World:
    """A supervisor whose workers, releases and clock are played by hand."""

    state: State
    children: list[WorkerChild] = field(default_factory=list)
    paused: list[tuple[str, str]] = field(default_factory=list)
    settled: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    noted_at: int | None = 4
    refuses_to_launch: str = ""
    now_s: float = 0.0

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self, self, "pod-0", Limits(deaths=3, window_s=300))

    def launch(self, launch: Launch) -> WorkerChild:
        if launch.version == self.refuses_to_launch:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        self.children.append(WorkerChild(launch=launch))
        return self.children[-1]

    def owes_nothing(self, version: str, standing: Standing) -> bool | None:
        known = version not in self.unanswered
        return version in self.settled and standing.stage in {"retired", "withdrawn"} if known else None

    def pause(self, version: str, reason: str) -> Future[int | None]:
        self.paused.append((version, reason))
        answer: Future[int | None] = Future()
        if version not in self.unanswered:
            answer.set_result(self.noted_at)
        return answer

    def look(self, after_s: float = 0.1) -> dict[Key, Life]:
        self.now_s += after_s
        self.supervisor.look(self.state, self.now_s)
        return dict(self.supervisor.lives)

    def child(self, version: str) -> WorkerChild:
        """The version's latest."""
        return next(child for child in reversed(self.children) if child.launch.version == version)

    def stands(self, version: str, **changes: object) -> None:
        standing = replace(self.state.versions[version], **changes)  # type: ignore[arg-type]  # fields of a Standing
        versions = {**self.state.versions, version: standing}
        self.state = replace(self.state, sequence=self.state.sequence + 1, versions=versions)

    def die(self, version: str, code: int = -9) -> None:
        self.child(version).code = code
