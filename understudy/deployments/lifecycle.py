"""A model version's life in an endpoint as a table: (stage, happening) -> stage.

The fold of the deployments log moves by it, refusals name it, and the documentation is made from it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

from understudy.deployments.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

Stage = Literal["new", "prepared", "shadow", "canary", "production", "retired", "withdrawn"]
"""new: nothing is known of it. prepared: its workers run, and get nothing yet. shadow, canary, production: its part in
the plan. retired: left production because another version was promoted; its workers drain its lanes to the end
themselves. withdrawn: taken back; its workers stop, and reclaimers account for what it still owes."""

Happening = Literal[
    "prepared",
    "made a shadow",
    "made the canary",
    "promoted",
    "restored",
    "replaced",
    "withdrawn",
    "paused",
    "resumed",
    "excluded",
    "pruned",
]

TRANSITIONS: Final[Mapping[tuple[Stage, Happening], Stage]] = MappingProxyType(
    {
        ("new", "prepared"): "prepared",
        ("prepared", "prepared"): "prepared",
        ("prepared", "made a shadow"): "shadow",
        ("prepared", "made the canary"): "canary",
        ("prepared", "promoted"): "production",
        ("prepared", "withdrawn"): "withdrawn",
        ("shadow", "prepared"): "shadow",
        ("shadow", "made the canary"): "canary",
        ("shadow", "promoted"): "production",
        ("shadow", "withdrawn"): "withdrawn",
        ("shadow", "paused"): "shadow",
        ("shadow", "resumed"): "shadow",
        ("shadow", "excluded"): "shadow",
        ("canary", "prepared"): "canary",
        ("canary", "made a shadow"): "shadow",
        ("canary", "promoted"): "production",
        ("canary", "withdrawn"): "withdrawn",
        ("canary", "paused"): "canary",
        ("canary", "resumed"): "canary",
        ("canary", "excluded"): "canary",
        ("production", "replaced"): "retired",
        ("production", "withdrawn"): "withdrawn",
        ("production", "excluded"): "production",
        ("retired", "prepared"): "prepared",
        ("retired", "restored"): "production",
        ("retired", "withdrawn"): "withdrawn",
        ("retired", "pruned"): "retired",
        ("withdrawn", "prepared"): "prepared",
        ("withdrawn", "pruned"): "withdrawn",
    }
)

MEANINGS: Final[Mapping[Happening, str]] = MappingProxyType(
    {
        "prepared": "its workers are started, and get no records for it yet",
        "made a shadow": "a plan gives it every record, and its answers are only compared",
        "made the canary": "a plan gives it a share of the keys, and its answers are used",
        "promoted": "a plan makes it production",
        "restored": "production was rolled back to it",
        "replaced": "a plan made another version production",
        "withdrawn": "it was rolled back, or its preparation was",
        "paused": "it gets no larger share, and is not promoted, until it is resumed",
        "resumed": "the end of a pause",
        "excluded": "one of its lanes could not be written to in a partition, which pauses the rollout; "
        "production's: the lane that mirrors the canary",
        "pruned": "its topics were deleted",
    }
)

_IS: Final[Mapping[Stage, str]] = MappingProxyType(
    {
        "new": "was never prepared",
        "prepared": "is prepared, and gets no records",
        "shadow": "is a shadow",
        "canary": "is the canary",
        "production": "is production",
        "retired": "is retired, for another version was promoted",
        "withdrawn": "is withdrawn",
    }
)

_WAYS_OUT: Final[Mapping[Happening, str]] = MappingProxyType(
    {
        "prepared": "its workers run; to release it anew, release another version first",
        "made a shadow": "prepare it first, which `understudy deploy --strategy shadow` does",
        "made the canary": "prepare it first, which `understudy deploy --strategy canary` does",
        "promoted": "prepare it first, which `understudy deploy` does",
        "restored": "only the version that was production before can be; deploy any other",
        "replaced": "only production is, when another version is promoted",
        "withdrawn": "there is nothing to take back; `understudy status` lists what is released",
        "paused": "pause a shadow or the canary; production is rolled back instead",
        "resumed": "resume a shadow or the canary that is paused",
        "excluded": "only lanes of the plan are",
        "pruned": "roll it back, or promote another version, before its topics go",
    }
)


def after(version: str, stage: Stage, happening: Happening) -> Stage:
    """The stage that follows. Raises Refused with the reason and the way out."""
    following = TRANSITIONS.get((stage, happening))
    if following is None:
        raise Refused(f"{version} {_IS[stage]}, so it cannot be {happening}: {_WAYS_OUT[happening]}")
    return following


def mermaid() -> str:
    """The table as a Mermaid state diagram; what leaves the stage as it is stands on one arrow."""
    labels: dict[tuple[Stage, Stage], list[Happening]] = {}
    for (stage, happening), following in TRANSITIONS.items():
        labels.setdefault((stage, following), []).append(happening)
    arrows = [f"    {stage} --> {following}: {', '.join(each)}" for (stage, following), each in labels.items()]
    return "\n".join(["stateDiagram-v2", "    [*] --> new", *arrows]) + "\n"


def markdown_table() -> str:
    """The table as Markdown, for the documentation."""
    rows = ["| what happens | to a version that is | which then is | what it means |", "|---|---|---|---|"]
    for happening in get_args(Happening):
        from_to = {stage: to for (stage, which), to in TRANSITIONS.items() if which == happening}
        targets = dict.fromkeys("the same" if to == stage else to for stage, to in from_to.items())
        rows.append(f"| {happening} | {', '.join(from_to)} | {' or '.join(targets)} | {MEANINGS[happening]} |")
    return "\n".join(rows) + "\n"
