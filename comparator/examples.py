"""First examples of each kind, few of them and short, so that a person can look at the records themselves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from comparator.answers import Answer
    from understudy.deployments.plan import Lane

MAX_ITEMS: Final = 32
"""Of an array, so many items are shown."""

MAX_TEXT: Final = 500
"""Of a text, so many characters are shown."""


class Example(NamedTuple):
    """One record. production, candidate: the answer or error, as JSON; None where there is nothing to tell."""

    kind: str
    source_offset: int
    event_time: int | None
    event_id: str | None
    production: str | None
    candidate: str | None


@dataclass(slots=True)
class ExamplesTaken:
    """How many examples of each kind a lane has in this partition; they outlive restarts in the note."""

    per_kind: int
    counts: dict[Lane, dict[str, int]] = field(default_factory=dict)

    def take(self, lane: Lane, kind: str) -> bool:
        """Whether there is room for one more of this kind; if so, it is taken."""
        counts = self.counts.setdefault(lane, {})
        if counts.get(kind, 0) >= self.per_kind:
            return False
        counts[kind] = counts.get(kind, 0) + 1
        return True


def example_of(kind: str, production: Answer | None, candidate: Answer) -> Example:
    """The example of one record. production: None where the lane is not compared."""
    known = candidate if candidate.event_time_ms is not None or production is None else production
    return Example(
        kind,
        candidate.source_offset,
        known.event_time_ms,
        known.event_id,
        production and told(production),
        told(candidate),
    )


def told(answer: Answer) -> str | None:
    """What was answered, as JSON; None where no row told anything."""
    match answer.outcome:
        case "answered":
            shown = {name: _shortened(getattr(answer, name)) for name in ("label", "probabilities", "number", "values")}
            return json.dumps({name: value for name, value in shown.items() if value is not None})
        case "failed":
            return json.dumps({"error_kind": answer.error_kind, "error": _shortened(answer.error)})
        case _:
            return None


def _shortened(value: object) -> object:
    match value:
        case str() if len(value) > MAX_TEXT:
            return f"{value[:MAX_TEXT]}..."
        case list() if len(value) > MAX_ITEMS:
            return [*(_shortened(item) for item in value[:MAX_ITEMS]), "..."]
        case list():
            return [_shortened(item) for item in value]
        case _:
            return value
