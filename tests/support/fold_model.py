"""The fold of the deployments log once more, in the plainest way: for what the property tests compare it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.deployments.events import Event
    from understudy.deployments.plan import Plan

CANDIDATES = ("shadow", "canary")
IN_PLAN = (*CANDIDATES, "production")
GONE = ("retired", "withdrawn")


@dataclass
class FoldModel:
    """Sets and dictionaries; `take` says whether an event of a known kind takes effect."""

    sequence: int = 0
    plan: Plan | None = None
    stage: dict[str, str] = field(default_factory=dict)
    sha256: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    pruned: set[str] = field(default_factory=set)
    excluded: set[tuple[str, str, int]] = field(default_factory=set)
    previous: str | None = None

    @property
    def revision(self) -> int:
        return self.plan.revision if self.plan else 0

    def take(self, event: Event) -> bool:
        if event.sequence != self.sequence + 1:
            return False
        took = self._planned(event) if event.kind == "planned" else self._of_version(event, event.version or "")
        self.sequence += took
        return took

    def _of_version(self, event: Event, version: str) -> bool:
        stage = self.stage.get(version, "new")
        match event.kind:
            case "prepared":
                return self._prepared(event, version, stage)
            case "paused" if stage in CANDIDATES:
                self.paused.add(version)
            case "resumed" if stage in CANDIDATES and version in self.paused:
                self.paused.remove(version)
            case "withdrawn" if stage in {"prepared", "retired"}:
                self.stage[version] = "withdrawn"
            case "pruned" if stage in GONE and version not in self.pruned:
                self.pruned.add(version)
                self.previous = None if self.previous == version else self.previous
            case "excluded":
                return self._excluded(event, version)
            case _:
                return False
        return True

    def _prepared(self, event: Event, version: str, stage: str) -> bool:
        if stage == "production" or (stage in CANDIDATES and event.sha256 != self.sha256[version]):
            return False
        if stage not in CANDIDATES:
            self.stage[version] = "prepared"
            self.pruned.discard(version)
        self.sha256[version] = event.sha256 or ""
        return True

    def _excluded(self, event: Event, version: str) -> bool:
        role, partition = event.details["role"], int(event.details["partition"])
        mirrors = self.plan and version == self.plan.production and self.plan.canary and self.plan.canary.mirrored
        stage = self.stage.get(version)
        candidate = version
        if role == "shadow" and mirrors:
            assert self.plan is not None
            assert self.plan.canary is not None
            candidate = self.plan.canary.version
        elif (role, stage) not in {("answering", "canary"), ("shadow", "shadow")}:
            return False
        self.excluded.add((version, role, partition))
        self.paused.add(candidate)
        return True

    def _planned(self, event: Event) -> bool:
        plan = event.plan
        if plan is None or plan.revision != self.revision + 1:
            return False
        back = event.action == "rollback"
        if not all(self._may_be(version, plan, back=back) for version in plan.versions) or self._raises_paused(plan):
            return False
        old, self.plan = self.plan, plan
        if old is not None and old.production != plan.production:
            self.previous = None if back else old.production
        for version in set(old.versions if old else ()) - set(plan.versions):
            self.stage[version] = "retired" if self.stage[version] == "production" and not back else "withdrawn"
        self.stage.update({version: str(plan.part_of(version)) for version in plan.versions})
        self.paused = {version for version in self.paused if self.stage[version] in CANDIDATES}
        lanes = {(lane.version, lane.role) for lane in plan.lanes()}
        self.excluded = {each for each in self.excluded if each[:2] in lanes}
        return True

    def _may_be(self, version: str, plan: Plan, *, back: bool) -> bool:
        stage, part = self.stage.get(version, "new"), plan.part_of(version)
        if stage == part:
            return True
        if part == "production" and stage == "retired":
            return back and version not in self.pruned
        if stage not in {"prepared", *CANDIDATES}:
            return False
        if part == "production" and any(each[:2] == (version, "answering") for each in self.excluded):
            return False
        return part == "shadow" or version not in self.paused

    def _raises_paused(self, plan: Plan) -> bool:
        old, new = self.plan and self.plan.canary, plan.canary
        same = old and new and old.version == new.version
        return bool(same and old and new and new.version in self.paused and new.share_ppm > old.share_ppm)
