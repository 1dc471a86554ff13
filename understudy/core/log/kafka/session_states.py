"""A session's life as a table: (state, event) -> state. The session moves by it, and the diagram is made from it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["starting", "joining", "positioning", "serving", "committing", "recovering", "fenced", "closed"]
"""starting: has not got its transactional id yet, or has to see whether it still has it. joining: owns nothing.
positioning: owns partitions whose positions it has not read. serving: hands out batches. committing: in a transaction.
recovering: a transaction was lost, and whatever it left open has to be ended. fenced, closed: over."""

Event = Literal[
    "id_taken",
    "assigned",
    "forgotten",
    "membership_lost",
    "positions_read",
    "began",
    "committed",
    "lost",
    "fenced",
    "closed",
]
"""id_taken: the transactional id is ours and clean. assigned: the group gave partitions. forgotten: the group does not
know us any more, be it that we were silent or that we were evicted; then somebody else has the id. membership_lost:
we joined anew, and own nothing. lost: a transaction did not commit, or is not known to have."""

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        ("starting", "id_taken"): "joining",
        ("starting", "lost"): "starting",
        ("starting", "fenced"): "fenced",
        ("starting", "closed"): "closed",
        ("joining", "assigned"): "positioning",
        ("joining", "forgotten"): "starting",
        ("joining", "membership_lost"): "joining",
        ("joining", "lost"): "recovering",
        ("joining", "fenced"): "fenced",
        ("joining", "closed"): "closed",
        ("positioning", "positions_read"): "serving",
        ("positioning", "assigned"): "positioning",
        ("positioning", "forgotten"): "starting",
        ("positioning", "membership_lost"): "joining",
        ("positioning", "lost"): "recovering",
        ("positioning", "fenced"): "fenced",
        ("positioning", "closed"): "closed",
        ("serving", "began"): "committing",
        ("serving", "assigned"): "positioning",
        ("serving", "forgotten"): "starting",
        ("serving", "membership_lost"): "joining",
        ("serving", "lost"): "recovering",
        ("serving", "fenced"): "fenced",
        ("serving", "closed"): "closed",
        ("committing", "committed"): "serving",
        ("committing", "lost"): "recovering",
        ("committing", "fenced"): "fenced",
        ("committing", "closed"): "closed",
        ("recovering", "id_taken"): "positioning",
        ("recovering", "lost"): "recovering",
        ("recovering", "fenced"): "fenced",
        ("recovering", "closed"): "closed",
        ("fenced", "fenced"): "fenced",
        ("fenced", "closed"): "closed",
        ("closed", "closed"): "closed",
    }
)


class IllegalEvent(Exception):
    """An event that a session in this state cannot have: a defect of the session."""


def after(state: State, event: Event) -> State:
    """The state that follows. Raises IllegalEvent."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise IllegalEvent(f"A session that is {state} cannot have the event {event}.")
    return following


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    arrows = [
        f"    {state} --> {following}: {event.replace('_', ' ')}"
        for (state, event), following in TRANSITIONS.items()
        if event not in {"fenced", "closed"}
    ]
    notes = [
        "    note right of fenced: from every state, when another instance takes the slot",
        "    note right of closed: from every state",
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> starting", *arrows, *notes, "    closed --> [*]"]) + "\n"
