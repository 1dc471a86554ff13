"""Whether a partition goes on under the plan that it has, or has to adopt another one first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.deployments.plan import InvalidPlan, Plan

if TYPE_CHECKING:
    from understudy.core.log.contract import TopicPartition
    from understudy.deployments.plan import Lane


class StalePlan(InvalidPlan):
    """The settings are older than what is running."""


class ConflictingPlan(InvalidPlan):
    """The settings changed what the running revision means."""


def lanes_to_close(plan: Plan, note: str, at: TopicPartition) -> tuple[Lane, ...] | None:
    """The lanes that end where input partition `at`, whose committed note is given, adopts `plan`.

    None where it follows the plan already. A partition without a note has adopted nothing, and closes nothing.
    Raises StalePlan, ConflictingPlan, and InvalidPlan for a note that is not a router's.
    """
    if not note:
        return ()
    running = Plan.from_note(note)
    if running.revision > plan.revision:
        raise StalePlan(
            f"{at} follows revision {running.revision} of the plan, and the settings still have revision "
            f"{plan.revision}: they are older than what is running. Start the router with the newer settings, or, "
            f"to go back to the older plan, write it down as revision {running.revision + 1}"
        )
    if running.revision < plan.revision:
        return plan.lanes_closed_after(running)
    if plan != running:
        raise ConflictingPlan(
            f"{at} follows revision {plan.revision} with {_told(running)}, and the settings have the same revision "
            f"with {_told(plan)}. Every change of the plan needs a higher revision: set it to {plan.revision + 1}"
        )
    return None


def _told(plan: Plan) -> str:
    shadows = ", ".join(plan.shadows) or "no shadow"
    return f"production {plan.production} and {shadows}"
