"""Where each version stands in the releases, for people and for programs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from understudy.app.releasing.orders import percent
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from understudy.deployments.fold import Standing, State

HEAD = ("VERSION", "STAGE", "KEYS", "")


def rows(state: State, present: Collection[str]) -> list[tuple[str, str, str, str]]:
    """A line for each version of the plan, each that is prepared, and those that left and are still `present`."""
    return [
        (version, standing.stage, _keys(state, version), "; ".join(_remarks(standing)))
        for version, standing in state.versions.items()
        if standing.is_in_plan or standing.stage == "prepared" or version in present
    ]


def as_json(state: State) -> dict[str, Any]:
    """The plan, and every version that was ever deployed."""
    return {
        "sequence": state.sequence,
        "plan": state.plan and state.plan.to_json(),
        "previous": state.previous,
        "frozen": state.frozen,
        "versions": {
            version: {
                "stage": standing.stage,
                "sha256": standing.sha256,
                "prepared_for": standing.prepared_for,
                "paused": standing.paused,
                "excluded": [{"role": role, "partition": partition} for role, partition in sorted(standing.excluded)],
                "pruned": standing.pruned,
                "since_revision": standing.since_revision,
            }
            for version, standing in state.versions.items()
        },
    }


def _keys(state: State, version: str) -> str:
    """The share of the keys that it answers, or scores as a shadow."""
    plan = state.plan
    match plan.part_of(version) if plan is not None else None:
        case "canary" if plan is not None and plan.canary is not None:
            return percent(plan.canary.share_ppm) + (", mirrored" if plan.canary.mirrored else "")
        case "production" if plan is not None and plan.canary is not None:
            return percent(BUCKETS - plan.canary.share_ppm)
        case None:
            return "-"
        case _:
            return percent(BUCKETS)


def _remarks(standing: Standing) -> Iterator[str]:
    if standing.prepared_for is not None:
        yield f"prepared for {standing.prepared_for}"
    if standing.paused:
        yield f"paused: {standing.paused}"
    if standing.excluded:
        yield f"excluded in {len(standing.excluded)} partitions"
    if standing.pruned:
        yield "its topics are deleted"
