"""Which workers the releases need on every machine. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from understudy.core.topics import CANDIDATE, RECLAIMER

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from understudy.app.supervising.life import State as Life
    from understudy.deployments.fold import State

Kind = Literal["production", "candidate", "reclaimer"]
"""candidate: held back, so that it cannot hurt production. reclaimer: accounts for what a withdrawn version owes."""

SUFFIXES: Final[Mapping[Kind, str]] = {"production": "", "candidate": CANDIDATE, "reclaimer": RECLAIMER}
"""What a worker's slot has behind its supervisor's, so that both kinds of one version can be there at once."""


class Key(NamedTuple):
    """A worker. revision: of the plan that a reclaimer's version left with; 0 for others."""

    version: str
    kind: Kind
    revision: int = 0


def wanted(state: State, there: Collection[Key], owes_nothing: Callable[[str], bool | None]) -> frozenset[Key]:
    """The workers that should be there.

    there: those that are; what drains goes on as it is. owes_nothing: whether a version that left the plan is
    accounted for; None where that is not known yet, and then who is there for it stays, and nobody is added.
    """
    keys = set()
    for version, work in state.wanted_workers().items():
        if work != "draining":
            keys.add(Key(version, "production" if work == "production" else "candidate"))
        else:
            keys |= _while_owed(_as_it_is(version, there), there, owes_nothing)
    for version in state.to_reclaim():
        keys |= _while_owed(Key(version, "reclaimer", state.versions[version].since_revision), there, owes_nothing)
    return frozenset(keys)


def _while_owed(key: Key, there: Collection[Key], owes_nothing: Callable[[str], bool | None]) -> set[Key]:
    nothing = owes_nothing(key.version)
    return {key} if nothing is False or (nothing is None and key in there) else set()


def _as_it_is(version: str, there: Collection[Key]) -> Key:
    candidate = Key(version, "candidate")
    return candidate if candidate in there and Key(version, "production") not in there else Key(version, "production")


class Changes(NamedTuple):
    """What to do now to come closer to what is wanted."""

    launch: frozenset[Key]
    stop: frozenset[Key]


def changes(wanted: frozenset[Key], lives: Mapping[Key, Life]) -> Changes:
    """What to launch and stop. lives: of all workers that are there, without those that are gone.

    A version's worker is replaced by one of another kind without a gap: the old one is stopped once the new one runs.
    A reclaimer is launched once the workers of its version are gone.
    """
    launch = {
        key
        for key in wanted - lives.keys()
        if key.kind != "reclaimer" or not any(other.version == key.version for other in lives)
    }
    stop = {key for key in lives.keys() - wanted if not _awaits_replacement(key, wanted, lives)}
    return Changes(frozenset(launch), frozenset(stop))


def _awaits_replacement(key: Key, wanted: frozenset[Key], lives: Mapping[Key, Life]) -> bool:
    others = {other for other in wanted if other.version == key.version and other.kind != "reclaimer"}
    return key.kind != "reclaimer" and any(lives.get(other) != "running" for other in others)
