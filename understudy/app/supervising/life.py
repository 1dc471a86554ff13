"""A supervised worker's life as a table: (state, event) -> state."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

State = Literal["starting", "running", "backing off", "given up", "stopping", "stopped"]
"""starting: it was launched, and has no partitions yet. running: it has said that it is ready. backing off: it has
ended, and is launched again in a while. given up: it died too often, and waits for a person. stopping: it was told
to. stopped: it is gone, and is not launched again."""

Event = Literal["ready", "waiting", "died", "ended", "done", "due", "exceeded", "resumed", "unwanted"]
"""ready: it has its partitions. waiting: it has lost what it needs, a broker for instance. died: it ended by an error
or a signal. ended: it ended in an orderly way without having been told to. done: likewise, and all its work is done.
due: the wait is over. exceeded: it has died too often. resumed: a person lets it try again. unwanted: the releases do
not need it any more."""

TRANSITIONS: Final[Mapping[tuple[State, Event], State]] = MappingProxyType(
    {
        ("starting", "ready"): "running",
        ("starting", "died"): "backing off",
        ("starting", "ended"): "backing off",
        ("starting", "done"): "stopped",
        ("starting", "unwanted"): "stopping",
        ("running", "waiting"): "starting",
        ("running", "died"): "backing off",
        ("running", "ended"): "backing off",
        ("running", "done"): "stopped",
        ("running", "unwanted"): "stopping",
        ("backing off", "due"): "starting",
        ("backing off", "exceeded"): "given up",
        ("backing off", "unwanted"): "stopped",
        ("given up", "resumed"): "starting",
        ("given up", "unwanted"): "stopped",
        ("stopping", "died"): "stopped",
        ("stopping", "ended"): "stopped",
        ("stopping", "done"): "stopped",
    }
)


def after(state: State, event: Event) -> State:
    """The state that follows. Raises KeyError for an event that cannot happen in a state."""
    return TRANSITIONS[state, event]
