"""Events: what has happened to an endpoint's releases, as it stands in the deployments log."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from schemas.encodings import RowDecoder, RowEncoder
from schemas.errors import Undecodable
from understudy.deployments.errors import NotAnEvent
from understudy.deployments.plan import InvalidPlan, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["prepared", "planned", "paused", "resumed", "excluded", "withdrawn", "pruned"]
"""prepared: a version's workers are to be started. planned: a plan is in force from then on. paused: a version gets no
more records than it has. resumed: the end of that. excluded: a lane could not be written to in one partition; this
pauses the version. withdrawn: the end of a preparation, or of a retired version that will not drain by itself.
pruned: the topics of a version are gone."""

Action = Literal["basic", "shadow", "canary", "promote", "rollback"]
"""What a planned event was asked for."""

FORCED: Final = "forced"
"""The key in an event's details of the checks that a flag overrode."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. id: a random UUID. sequence: that of the state that it was written for, and one more.

    time_ms: the writer's clock, for people only. actor: who wrote it. version, sha256, action, plan, details: see
    `schemas/deployment.avsc`. kind and action are plain text: a newer Understudy may have further ones.
    """

    id: str
    sequence: int
    kind: str
    time_ms: int
    actor: str
    reason: str = ""
    version: str | None = None
    sha256: str | None = None
    action: str | None = None
    plan: Plan | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to append: an event that nobody has signed yet."""

    kind: Kind
    reason: str = ""
    version: str | None = None
    sha256: str | None = None
    action: str | None = None
    plan: Plan | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def signed(self, id_: str, sequence: int, time_ms: int, actor: str) -> Event:
        """The event that says this."""
        return Event(
            id_,
            sequence,
            self.kind,
            time_ms,
            actor,
            self.reason,
            self.version,
            self.sha256,
            self.action,
            self.plan,
            self.details,
        )


def encode(event: Event) -> bytes:
    """The event as a record's value, single-object Avro."""
    return _encoder().encode(
        {
            "id": event.id,
            "sequence": event.sequence,
            "kind": event.kind,
            "time": event.time_ms,
            "actor": event.actor,
            "reason": event.reason,
            "version": event.version,
            "sha256": event.sha256,
            "action": event.action,
            "plan": event.plan and event.plan.to_json(),
            "details": dict(event.details),
        }
    )


def decode(value: bytes | None) -> Event:
    """The event of a record's value. Raises NotAnEvent."""
    try:
        row = _decoder().decode(value)
        plan = row["plan"] and Plan.of_json(row["plan"])
    except (Undecodable, InvalidPlan) as error:
        raise NotAnEvent(str(error)) from error
    return Event(
        row["id"],
        row["sequence"],
        row["kind"],
        row["time"],
        row["actor"],
        row["reason"],
        row["version"],
        row["sha256"],
        row["action"],
        plan,
        row["details"],
    )


@cache
def _encoder() -> RowEncoder:
    return RowEncoder.of("avro", "deployment")


@cache
def _decoder() -> RowDecoder:
    return RowDecoder.of("avro", "deployment")
