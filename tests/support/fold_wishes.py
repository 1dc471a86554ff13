"""Any events at all, most of which fit the state that they meet: for property tests of the fold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from support.story import V1, V2, V3

from understudy.deployments.events import Draft, Event
from understudy.deployments.plan import Canary, Plan

if TYPE_CHECKING:
    from support.fold_model import FoldModel


@dataclass(frozen=True)
class Edit:
    """A change of whatever plan there is: the version gets the part, or leaves."""

    version: str
    part: str | None
    share_ppm: int = 1
    mirrored: bool = True

    def of(self, plan: Plan | None) -> Plan:
        if plan is None:
            return Plan.basic(1, self.version)
        production = self.version if self.part == "production" else plan.production
        shadows = [each for each in plan.shadows if each not in {self.version, production}]
        canary = None if plan.canary and plan.canary.version in {self.version, production} else plan.canary
        if self.version == plan.production:
            return replace(plan, revision=plan.revision + 1)
        if self.part == "canary":
            canary = Canary(self.version, self.share_ppm, self.mirrored)
        if self.part == "shadow":
            shadows.append(self.version)
        return Plan(plan.revision + 1, production, tuple(shadows), canary, plan.salt)


@dataclass(frozen=True)
class Wish:
    """An event that is still to get its sequence and its plan: those that fit the state then, or others."""

    draft: Draft
    edit: Edit | None = None
    late: int = 0
    skipped: int = 0

    def event(self, model: FoldModel) -> Event:
        plan = None if self.edit is None else self.edit.of(model.plan)
        if plan is not None:
            plan = replace(plan, revision=max(1, plan.revision + self.skipped))
        return replace(self.draft, plan=plan).signed("x", model.sequence + 1 - self.late, 0, "bob")


VERSIONS = st.sampled_from([V1, V2, V3])
MOSTLY_0 = st.sampled_from([0] * 30 + [1, 2, -1])
PREPARED = st.builds(
    Draft,
    kind=st.just("prepared"),
    version=VERSIONS,
    sha256=st.sampled_from(["a", "a", "a", "b"]),
    action=st.sampled_from(["production", "canary", "shadow"]),
)
PLANNED = st.builds(
    Draft,
    kind=st.just("planned"),
    action=st.sampled_from(["basic", "shadow", "canary", "promote", "rollback", "rollback"]),
)
EDITS = st.builds(
    Edit,
    VERSIONS,
    st.sampled_from(["production", "canary", "canary", "shadow", None]),
    st.integers(0, 2),
    st.booleans(),
)
OTHER = st.builds(
    Draft,
    kind=st.sampled_from(["paused", "resumed", "excluded", "excluded", "withdrawn", "pruned"]),
    version=VERSIONS,
    reason=st.just("because"),
    details=st.builds(dict, role=st.sampled_from(["answering", "shadow"]), partition=st.integers(0, 2).map(str)),
)
WISH = st.one_of(
    st.builds(Wish, draft=PREPARED, late=MOSTLY_0),
    st.builds(Wish, draft=PLANNED, edit=EDITS, late=MOSTLY_0, skipped=MOSTLY_0),
    st.builds(Wish, draft=OTHER, late=MOSTLY_0),
)
BEGIN = [
    Wish(Draft("prepared", version=V1, sha256="a", action="production")),
    Wish(Draft("planned", action="basic"), Edit(V1, "production")),
    Wish(Draft("prepared", version=V2, sha256="a", action="shadow")),
    Wish(Draft("planned", action="shadow"), Edit(V2, "shadow")),
]
WISHES = st.lists(WISH, min_size=20, max_size=40).map(lambda wishes: BEGIN + wishes) | st.lists(WISH, max_size=10)
"""Most go on where two versions are released, some start from nothing."""
