"""The history of an endpoint's releases as a story in sentences. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from understudy.app.releasing.orders import percent
from understudy.deployments.events import FORCED
from understudy.deployments.fold import State, apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.deployments.events import Event
    from understudy.deployments.plan import Canary, Plan
    from understudy.deployments.reading import History

_PREPARED: Final[Mapping[str, str]] = MappingProxyType(
    {"production": "for production", "canary": "as a canary", "shadow": "as a shadow"}
)
_WAS: Final[Mapping[str, str]] = MappingProxyType({"canary": ", the canary", "shadow": ", a shadow"})


@dataclass(frozen=True, slots=True)
class Told:
    """One event, told. refusal: why it did not take effect; "" where it did."""

    event: Event
    sentence: str
    refusal: str = ""

    def line(self) -> str:
        """When, who, what, why."""
        moment = datetime.fromtimestamp(self.event.time_ms / 1_000, tz=UTC)
        refused = f" This did not take effect: {self.refusal}." if self.refusal else ""
        return f"{moment:%Y-%m-%d %H:%M:%S}Z  {self.event.actor} {self.sentence}.{refused}"

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        event = self.event
        return {
            "id": event.id,
            "sequence": event.sequence,
            "kind": event.kind,
            "time_ms": event.time_ms,
            "actor": event.actor,
            "reason": event.reason,
            "version": event.version,
            "sha256": event.sha256,
            "action": event.action,
            "plan": event.plan and event.plan.to_json(),
            "details": dict(event.details),
            "sentence": self.sentence,
            "refusal": self.refusal,
        }


def story(history: History) -> list[Told]:
    """Every event of the history, in order; a record that is no event is left out."""
    told, state = [], State()
    for entry in history.entries:
        if entry.event is not None:
            told.append(Told(entry.event, sentence(entry.event, state), entry.refusal))
            state = apply(state, entry.event).state
    return told


def sentence(event: Event, before: State) -> str:
    """What an event did, without its subject and its full stop. before: the state that it found."""
    what = _planned(event, event.plan, before.plan) if event.plan is not None else _changed(event, before)
    forced = event.details.get(FORCED, "")
    return what + (f", {forced}" if forced else "") + (f": {event.reason.rstrip('.')}" if event.reason else "")


def _changed(event: Event, before: State) -> str:
    version = event.version or "a version"
    match event.kind:
        case "prepared":
            return f"prepared {version} {_PREPARED.get(event.action or '', '')}".rstrip()
        case "withdrawn":
            retired = before.stage(version) == "retired"
            return f"withdrew {version}, which was retired" if retired else f"took back the preparation of {version}"
        case "excluded":
            role, partition = event.details.get("role", "?"), event.details.get("partition", "?")
            return f"excluded the {role} lane of {version} in partition {partition}, which pauses the rollout"
        case "pruned":
            return f"deleted the topics of {version}"
        case "paused" | "resumed":
            return f"{event.kind} {version}"
        case _:
            return f"wrote an event that is not known here ({event.kind})"


def _planned(event: Event, plan: Plan, before: Plan | None) -> str:
    return f"{_parts(event, plan, before)} (revision {plan.revision})"


def _parts(event: Event, plan: Plan, before: Plan | None) -> str:
    if before is None:
        return f"made {plan.production} production"
    match event.action:
        case "basic":
            return f"made {plan.production} production instead of {before.production}"
        case "promote":
            return f"promoted {plan.production} over {before.production}"
        case "rollback":
            return _taken_back(event.version or "", plan, before)
        case "canary" if plan.canary is not None:
            return _canary(plan.canary, before.canary)
        case _:
            return f"made {event.version} a shadow of {plan.production}"


def _taken_back(version: str, plan: Plan, before: Plan) -> str:
    if before.production != plan.production:
        return f"rolled production back from {before.production} to {plan.production}"
    return f"took back {version}{_WAS.get(before.part_of(version) or '', '')}"


def _canary(canary: Canary, earlier: Canary | None) -> str:
    mirrored = "mirrored" if canary.mirrored else "not mirrored"
    if earlier is None or earlier.version != canary.version:
        return f"made {canary.version} the canary with {percent(canary.share_ppm)} of the keys, {mirrored}"
    if earlier.share_ppm == canary.share_ppm:
        return f"went on with the canary {canary.version} {mirrored}"
    verb = "raised" if earlier.share_ppm < canary.share_ppm else "lowered"
    return f"{verb} the canary {canary.version} from {percent(earlier.share_ppm)} to {percent(canary.share_ppm)}"
