"""What an endpoint's topics hold, as the checker looks at it: plain rows, nothing of the product's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Role = Literal["answering", "shadow"]


class Lane(NamedTuple):
    """One version's requests in one role."""

    version: str
    role: str

    def __str__(self) -> str:
        return f"{self.version} {self.role}"


class Route(NamedTuple):
    """A row of routes."""

    kind: str
    role: str
    version: str
    revision: int
    source_partition: int
    base_offset: int
    span: int
    records: int
    share_ppm: int
    bitmap: bytes | None
    part: str | None
    plan: Mapping[str, Any] | None

    @property
    def lane(self) -> Lane:
        return Lane(self.version, self.role)


class Answer(NamedTuple):
    """A row of predictions or shadow-predictions. said: label, number and values of the output."""

    key: bytes | None
    appended_ms: int
    outcome: str
    lane: str
    routed_version: str
    answered_version: str
    revision: int
    share_ppm: int
    source_partition: int
    source_offset: int
    span: int = 1
    said: tuple[Any, ...] = ()
    error_kind: str | None = None


class Letter(NamedTuple):
    """A dead letter: which record, and who could not answer it."""

    partition: int
    version: str
    source_partition: int
    source_offset: int


class Planned(NamedTuple):
    """An event that changed the plan; or, with the action `withdrawn`, one that gave up a version that had left it.

    plan: the one in force since. version: whom the event is about.
    """

    action: str
    plan: Mapping[str, Any]
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything of an endpoint that a read_committed reader sees; by topic partition and in its order.

    inputs: the keys by offset. predictions, shadow_predictions, routes: rows. comparisons: decoded, of all partitions.
    planned: empty where nobody has looked, so that a version that was withdrawn is not told from one that retired.
    """

    inputs: Mapping[int, Mapping[int, bytes | None]]
    routes: Mapping[int, Sequence[Route]]
    predictions: Mapping[int, Sequence[Answer]]
    shadow_predictions: Mapping[int, Sequence[Answer]]
    letters: Sequence[Letter] = ()
    comparisons: Sequence[Mapping[str, Any]] | None = None
    planned: Sequence[Planned] = field(default=())

    def answers(self, role: Role) -> Mapping[int, Sequence[Answer]]:
        """The rows of the lanes in this role."""
        return self.predictions if role == "answering" else self.shadow_predictions
