"""What a partition follows: a plan, and the lanes of it that cannot be written. And what it does about another plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from understudy.deployments.plan import InvalidPlan, Lane, Plan

if TYPE_CHECKING:
    from collections.abc import Collection

    from understudy.core.log.contract import TopicPartition
    from understudy.deployments.plan import Assignment


class ConflictingPlan(InvalidPlan):
    """Two plans have the same revision."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The plan that holds in a partition. excluded: lanes of it that could not be written, and are left out since.

    It is committed with the partition's position, so that whoever owns the partition next goes on with it.
    """

    plan: Plan
    excluded: frozenset[Lane] = frozenset()

    def assignments(self) -> tuple[Assignment, ...]:
        """What each lane is given."""
        return self.plan.without(self.excluded)

    def withheld(self) -> tuple[Assignment, ...]:
        """What the plan has for lanes that are given nothing: those excluded, and an excluded canary's mirror."""
        given = {assignment.lane for assignment in self.assignments()}
        return tuple(assignment for assignment in self.plan.assignments() if assignment.lane not in given)

    def excluding(self, lanes: Collection[Lane]) -> Followed:
        """With these lanes excluded, too, as far as they are the plan's; production cannot do without its own."""
        if not (self.excluded or lanes):
            return self
        production = Lane(self.plan.production, "answering")
        able = {lane for lane in self.plan.lanes() if lane != production}
        return Followed(self.plan, frozenset({*self.excluded, *lanes} & able))

    def adopting(self, plan: Plan) -> Followed:
        """Under a later plan. A lane stays excluded for as long as it is in the plan.

        Where plans in between were skipped it may have left and come back: it is tried again.
        """
        follows = plan.revision == self.plan.revision + 1
        return Followed(plan).excluding(self.excluded if follows else ())

    def to_note(self) -> str:
        """As it is committed with positions."""
        return self.plan.to_note(self.excluded)

    @classmethod
    def of_note(cls, note: str) -> Self | None:
        """What a committed note says; None for a partition that has adopted no plan yet. Raises InvalidPlan."""
        if not note:
            return None
        plan = Plan.from_note(note)
        return cls(plan, frozenset(Lane(version, role) for version, role in json.loads(note).get("excluded", ())))


Stance = Literal["waits", "follows", "adopts"]
"""waits: it is ahead of the plan, or there is none yet. follows: it goes on under it. adopts: it has to take it up."""


def stance(followed: Followed | None, plan: Plan | None, at: TopicPartition) -> Stance:
    """What input partition `at` does about `plan`, the newest that is known here. Raises ConflictingPlan."""
    if plan is None:
        return "waits"
    if followed is None or followed.plan.revision < plan.revision:
        return "adopts"
    if followed.plan.revision > plan.revision:
        return "waits"
    if not _alike(followed.plan, plan):
        raise ConflictingPlan(
            f"{at} follows revision {plan.revision} of the plan with {_told(followed.plan)}, and the deployments have "
            f"the same revision with {_told(plan)}. Their topic is another one than the router's positions belong to: "
            "name the right endpoint, or set the router's positions again with 'understudy positions restore'"
        )
    return "follows"


def _alike(plan: Plan, other: Plan) -> bool:
    """Whether both send the same records to the same lanes; the order of shadows means nothing."""
    if plan == other:
        return True
    return plan.salt == other.salt and {*plan.assignments()} == {*other.assignments()}


def _told(plan: Plan) -> str:
    shadows = ", ".join(plan.shadows) or "no shadow"
    canary = "" if plan.canary is None else f", {plan.canary.version} as canary of {plan.canary.share_ppm} ppm"
    return f"production {plan.production}{canary} and {shadows}"
