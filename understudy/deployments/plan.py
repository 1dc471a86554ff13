"""Plans: which model versions get an endpoint's records, and in which role. Pure values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

from understudy.core.topics import BadName, parse_version

if TYPE_CHECKING:
    from collections.abc import Sequence

Role = Literal["answering", "shadow"]

MAX_SALT: Final = (1 << 64) - 1
MAX_REVISION: Final = (1 << 63) - 1


class InvalidPlan(ValueError):
    """A plan that cannot be followed. The text says which part of it, and what to write instead."""


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """The requests of one model version in one role."""

    version: str
    role: Role


@dataclass(frozen=True, slots=True)
class Plan:
    """One production version, whose answers are used, and any number of shadows, which get the same records.

    revision: from 1 on, raised by every change. production, shadows: registered versions, `name:version`.
    salt: an unsigned 64-bit number that decides which keys a share takes. Raises InvalidPlan.
    """

    revision: int
    production: str
    shadows: tuple[str, ...] = ()
    salt: int = 0

    def __post_init__(self) -> None:
        _check_number("revision", self.revision, 1, MAX_REVISION)
        _check_number("salt", self.salt, 0, MAX_SALT)
        for version in (self.production, *self.shadows):
            _check_version(version)
        _check_distinct(self.production, self.shadows)

    @classmethod
    def basic(cls, revision: int, production: str, *, salt: int = 0) -> Self:
        """The production version gets all records, and nothing else runs."""
        return cls(revision, production, (), salt)

    @classmethod
    def shadow(cls, revision: int, production: str, shadows: Sequence[str], *, salt: int = 0) -> Self:
        """Production answers, and every shadow gets the same records; at least one shadow."""
        if not shadows:
            raise InvalidPlan("a shadow plan names at least one shadow; without one, use the basic plan")
        return cls(revision, production, tuple(shadows), salt)

    def lanes(self) -> tuple[Lane, ...]:
        """The answering lane, then the shadow lanes in the plan's order."""
        return (Lane(self.production, "answering"), *(Lane(version, "shadow") for version in self.shadows))

    def lanes_closed_after(self, earlier: Plan) -> tuple[Lane, ...]:
        """Lanes of `earlier` that this plan does not go on with."""
        kept = set(self.lanes())
        return tuple(lane for lane in earlier.lanes() if lane not in kept)

    def routes_like(self, other: Plan) -> bool:
        """Whether both plans send the same records to the same lanes, whatever their revisions."""
        return (self.production, set(self.shadows)) == (other.production, set(other.shadows))

    def to_note(self) -> str:
        """The note that a router commits with its positions: compact JSON, without the salt."""
        plan = {"revision": self.revision, "production": self.production, "shadows": list(self.shadows)}
        return json.dumps(plan, separators=(",", ":"))

    @classmethod
    def from_note(cls, note: str) -> Self:
        """The plan of a router's note. Raises InvalidPlan where the note is not one."""
        try:
            plan = json.loads(note)
            return cls(plan["revision"], plan["production"], tuple(plan["shadows"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidPlan(
                f"the note beside a committed position is not a router's plan ({error}): {note!r}. "
                "Another program has committed positions for the router's group; "
                "set the group's positions again with 'understudy topics'"
            ) from error


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidPlan(f"the plan's {name} is {value!r}; give a whole number from {least} to {most}")


def _check_version(version: object) -> None:
    if not isinstance(version, str):
        raise InvalidPlan(f"{version!r} is not a model version; write name:version, for example delay:v1")
    try:
        parse_version(version)
    except BadName as error:
        raise InvalidPlan(f"the plan names a version that cannot be: {error}") from error


def _check_distinct(production: str, shadows: tuple[str, ...]) -> None:
    if production in shadows:
        raise InvalidPlan(
            f"{production} is both production and a shadow; take it out of the shadows, "
            "or register the same model under a second version to compare it with itself"
        )
    doubled = sorted({version for version in shadows if shadows.count(version) > 1})
    if doubled:
        raise InvalidPlan(f"the plan names {', '.join(doubled)} more than once among its shadows; name each once")
