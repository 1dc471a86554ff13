"""Plans: which model versions get an endpoint's records, and in which part. Pure values."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from understudy.core.log.contract import MAX_NOTE_BYTES
from understudy.core.topics import BadName, parse_version
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Role = Literal["answering", "shadow"]

Part = Literal["production", "canary", "shadow", "mirror"]
"""What a lane is there for. mirror: production's shadow lane, which gets the canary's records, so that both versions
answer them and can be compared."""

MAX_SALT: Final = (1 << 63) - 1
MAX_REVISION: Final = (1 << 63) - 1


class InvalidPlan(ValueError):
    """A plan that cannot be followed. The text says which part of it, and what to write instead."""


@dataclass(frozen=True, slots=True, order=True)
class Lane:
    """The requests of one model version in one role."""

    version: str
    role: Role


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that answers a share of the keys, in millionths. mirrored: production scores these records, too."""

    version: str
    share_ppm: int
    mirrored: bool = True


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a lane gets under a plan: the records of these buckets (see `routing.bucket`)."""

    lane: Lane
    part: Part
    buckets: range = range(BUCKETS)

    @property
    def share_ppm(self) -> int:
        """The share of the keys, in millionths."""
        return len(self.buckets)

    @property
    def is_whole(self) -> bool:
        """Whether it gets every record."""
        return self.share_ppm == BUCKETS


@dataclass(frozen=True, slots=True)
class Plan:
    """One production version, at most one canary, and any number of shadows, which get every record.

    Production answers the records that the canary does not. revision: from 1 on, raised by every change. Versions are
    registered ones, `name:version`, each in one part only. salt: a number from 0 to 2**63 - 1 that decides which keys
    a share takes. Raises InvalidPlan.
    """

    revision: int
    production: str
    shadows: tuple[str, ...] = ()
    canary: Canary | None = None
    salt: int = 0

    def __post_init__(self) -> None:
        _check_number("revision", self.revision, 1, MAX_REVISION)
        _check_number("salt", self.salt, 0, MAX_SALT)
        if self.canary is not None:
            _check_number("canary's share", self.canary.share_ppm, 0, BUCKETS)
        for version in self.versions:
            _check_version(version)
        _check_distinct(self)

    @classmethod
    def basic(cls, revision: int, production: str, *, salt: int = 0) -> Self:
        """The production version gets all records, and nothing else runs."""
        return cls(revision, production, salt=salt)

    @classmethod
    def shadow(cls, revision: int, production: str, shadows: Sequence[str], *, salt: int = 0) -> Self:
        """Production answers, and every shadow gets the same records; at least one shadow."""
        if not shadows:
            raise InvalidPlan("a shadow plan names at least one shadow; without one, use the basic plan")
        return cls(revision, production, tuple(shadows), salt=salt)

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version that gets records: production, the canary, the shadows."""
        return (self.production, *([self.canary.version] if self.canary else []), *self.shadows)

    def part_of(self, version: str) -> Part | None:
        """What the version is there for; None where it gets nothing."""
        if version == self.production:
            return "production"
        if self.canary is not None and version == self.canary.version:
            return "canary"
        return "shadow" if version in self.shadows else None

    def assignments(self) -> tuple[Assignment, ...]:
        """What each lane gets, the answering lanes first. Their buckets are disjoint, and all buckets together."""
        production, shadows = Lane(self.production, "answering"), [Lane(each, "shadow") for each in self.shadows]
        given = [Assignment(lane, "shadow") for lane in shadows]
        if self.canary is None:
            return (Assignment(production, "production"), *given)
        share, rest = range(self.canary.share_ppm), range(self.canary.share_ppm, BUCKETS)
        answering = (
            Assignment(production, "production", rest),
            Assignment(Lane(self.canary.version, "answering"), "canary", share),
        )
        mirror = [Assignment(Lane(self.production, "shadow"), "mirror", share)] if self.canary.mirrored else []
        return (*answering, *mirror, *given)

    def lanes(self) -> tuple[Lane, ...]:
        """The lanes of the assignments, in their order."""
        return tuple(assignment.lane for assignment in self.assignments())

    def without(self, lanes: frozenset[Lane]) -> tuple[Assignment, ...]:
        """The assignments where these lanes cannot be used: a canary's records go to production, unmirrored.

        Production's own answering lane cannot be done without, and is kept.
        """
        if self.canary is not None and Lane(self.canary.version, "answering") in lanes:
            return Plan(self.revision, self.production, self.shadows, None, self.salt).without(lanes)
        production = Lane(self.production, "answering")
        return tuple(each for each in self.assignments() if each.lane == production or each.lane not in lanes)

    def lanes_closed_after(self, earlier: Plan) -> tuple[Lane, ...]:
        """Lanes of `earlier` that this plan does not go on with."""
        kept = set(self.lanes())
        return tuple(lane for lane in earlier.lanes() if lane not in kept)

    def to_json(self) -> dict[str, object]:
        """As the `Plan` record of the Avro schemas."""
        canary = self.canary
        return {
            "revision": self.revision,
            "production": self.production,
            "canary": canary
            and {"version": canary.version, "share_ppm": canary.share_ppm, "mirrored": canary.mirrored},
            "shadows": list(self.shadows),
            "salt": self.salt,
        }

    @classmethod
    def of_json(cls, plan: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises InvalidPlan, KeyError, TypeError."""
        canary = plan["canary"]
        return cls(
            plan["revision"],
            plan["production"],
            tuple(plan["shadows"]),
            None if canary is None else Canary(canary["version"], canary["share_ppm"], canary["mirrored"]),
            plan["salt"],
        )

    def to_note(self, excluded: Collection[Lane] = ()) -> str:
        """The plan as a router commits it with its positions, and the lanes that it leaves out: compact JSON."""
        left_out = {"excluded": [[lane.version, lane.role] for lane in sorted(excluded)]} if excluded else {}
        return json.dumps({**self.to_json(), **left_out}, separators=(",", ":"))

    def check_fits_note(self) -> None:
        """Raises InvalidPlan for a plan that does not fit into a note, should all lanes but one be left out."""
        if len(self.to_note(self.lanes()[1:]).encode()) > MAX_NOTE_BYTES:
            raise InvalidPlan(
                f"a plan with {len(self.shadows)} shadows does not fit into the {MAX_NOTE_BYTES:,} bytes that a router "
                "commits with a position: take a shadow back first"
            )

    @classmethod
    def from_note(cls, note: str) -> Self:
        """The plan of a router's note. Raises InvalidPlan where the note is not one."""
        try:
            return cls.of_json(json.loads(note))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidPlan(
                f"the note beside a committed position is not a router's plan ({error}): {note!r}. "
                "Another program has committed positions for the router's group; "
                "set the group's positions again with 'understudy positions restore'"
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


def _check_distinct(plan: Plan) -> None:
    for version in [version for version, count in Counter(plan.versions).items() if count > 1]:
        if version == plan.production and version in plan.shadows:
            raise InvalidPlan(
                f"{version} is both production and a shadow; take it out of the shadows, "
                "or register the same model under a second version to compare it with itself"
            )
        if version == plan.production:
            raise InvalidPlan(f"{version} is both production and the canary; a canary is another version")
        if plan.canary is not None and version == plan.canary.version:
            raise InvalidPlan(f"{version} is both the canary and a shadow; a mirrored canary is compared already")
        raise InvalidPlan(f"the plan names {version} more than once among its shadows; name each once")
