"""An endpoint's releases, told event by event, with no log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy.core.log.contract import NewTopic
from understudy.deployments import proposals
from understudy.deployments.fold import State, apply

if TYPE_CHECKING:
    from understudy.core.log.contract import Log
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.events import Draft, Event
    from understudy.deployments.fold import PlannedPart

V1, V2, V3, V4 = "delay:v1", "delay:v2", "delay:v3", "delay:v4"


def digest(version: str) -> str:
    """What stands for the sha256 of a version's artifact."""
    return f"sha256-of-{version}"


@dataclass
class Story:
    """The state so far. Every step asserts that it took effect."""

    state: State = field(default_factory=State)
    events: list[Event] = field(default_factory=list)

    def does(self, draft: Draft | None) -> State:
        assert draft is not None, "nothing was proposed"
        event = draft.signed(f"event-{len(self.events)}", self.state.sequence + 1, 1_700_000_000_000, "ann@laptop")
        applied = apply(self.state, event)
        assert applied.refusal == ""
        self.state = applied.state
        self.events.append(event)
        return self.state

    def prepares(self, version: str, part: PlannedPart) -> State:
        return self.does(proposals.prepare(self.state, version, digest(version), part))

    def begins(self, version: str = V1) -> State:
        """The first version in production."""
        self.prepares(version, "production")
        return self.does(proposals.deploy_basic(self.state, version))

    def shadows(self, version: str) -> State:
        self.prepares(version, "shadow")
        return self.does(proposals.deploy_shadow(self.state, version))

    def tries(self, version: str, share_ppm: int = 50_000, *, mirrored: bool = True) -> State:
        """The version as a canary."""
        self.prepares(version, "canary")
        return self.does(proposals.deploy_canary(self.state, version, share_ppm, mirrored=mirrored))


def create_deployments(log: Log, names: EndpointTopics) -> None:
    """The topic of the deployments log."""
    with log.admin() as admin:
        admin.create([NewTopic(names.deployments, 1)])
