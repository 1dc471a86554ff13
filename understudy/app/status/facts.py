"""What is known of an endpoint at one moment."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from comparator.ledger import LaneLedger
from understudy.app.status import standings
from understudy.deployments.fold import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from comparator.summary import Comparison, Quantiles
    from understudy.deployments.plan import Role

RoleName = Literal["router", "worker", "comparator"]

NOTHING_COUNTED: Final = LaneLedger()
NOTHING_RELEASED: Final = State()


@dataclass(frozen=True, slots=True)
class Group:
    """A role's consumer group.

    version: of a worker. members: the live ones' slots. owned: of `partitions`. behind: offsets that are not
    committed yet, which are records and, where there are many, some markers between them.
    """

    name: str
    role: RoleName
    version: str | None
    members: tuple[str, ...]
    partitions: int
    owned: int
    behind: int

    def as_json(self) -> dict[str, Any]:
        return {
            "group": self.name,
            "role": self.role,
            "version": self.version,
            "members": list(self.members),
            "partitions": self.partitions,
            "owned": self.owned,
            "behind": self.behind,
        }


@dataclass(frozen=True, slots=True)
class Times:
    """Quantiles of the time in the model for a record, in microseconds; None where nothing was measured."""

    p50_us: float | None = None
    p99_us: float | None = None

    @classmethod
    def of(cls, quantiles: Quantiles | None) -> Self:
        return (
            cls() if quantiles is None else cls(*(round(ns / 1_000, 2) for ns in (quantiles.p50_ns, quantiles.p99_ns)))
        )


NOT_MEASURED: Final = Times()


@dataclass(frozen=True, slots=True)
class Lane:
    """One version in one role, as the comparator has counted it.

    comparison: of a shadow, or of what a canary answered, with production; None where nothing was compared yet.
    latest_error: kind and text of its latest dead letter, or of an example where that stands behind too many of other
    versions.
    """

    version: str
    role: Role
    ledger: LaneLedger = NOTHING_COUNTED
    comparison: Comparison | None = None
    times: Times = NOT_MEASURED
    latest_error: str | None = None

    def count(self, kind: str) -> int:
        """Records of one kind of the ledger: routed, answered, failed ..."""
        number: int = getattr(self.ledger, kind)
        return number

    @property
    def pairs(self) -> Mapping[str, int]:
        """Records that were compared, or could not be, by kind."""
        return {} if self.comparison is None else self.comparison.counts

    @property
    def accounted(self) -> int:
        """Records of which it is known what became of them."""
        return self.ledger.routed - self.ledger.in_flight

    @property
    def in_flight(self) -> int:
        return self.ledger.in_flight

    @property
    def residual(self) -> int:
        return self.ledger.residual

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "role": self.role,
            **asdict(self.ledger),
            "in_flight": self.in_flight,
            "residual": self.residual,
            "model_time": asdict(self.times),
            "comparison": None if self.comparison is None else comparison_json(self.comparison),
            "latest_error": self.latest_error,
        }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """How a candidate compares with production."""
    kinds = ("matched", "mismatched", "failed_production", "failed_candidate", "failed_both")
    return {
        "pairs": comparison.pairs,
        **{kind: comparison.counts.get(kind, 0) for kind in kinds},
        "unpaired": dict(comparison.unpaired),
        "mismatched_share": comparison.mismatched_share,
        "production_model_time": asdict(Times.of(comparison.production_time)),
    }


@dataclass(frozen=True, slots=True)
class Status:
    """An endpoint.

    state: of its releases. missing_topics: those that it needs and that do not exist. followed: the revisions that the
    router's partitions follow.
    """

    endpoint: str
    state: State = NOTHING_RELEASED
    groups: Sequence[Group] = ()
    lanes: Sequence[Lane] = ()
    missing_topics: Sequence[str] = ()
    followed: Sequence[int] = ()

    @property
    def revision(self) -> int:
        """Of the plan that is in force; 0 before the first."""
        return self.state.revision

    @property
    def residual(self) -> int:
        return sum(lane.residual for lane in self.lanes)

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes)

    def group(self, role: RoleName, version: str | None = None) -> Group | None:
        """The group of a role, where its topics exist."""
        return next((group for group in self.groups if (group.role, group.version) == (role, version)), None)

    def as_json(self, problems: Sequence[str]) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "revision": self.revision,
            "followed_revisions": list(self.followed),
            "releases": standings.as_json(self.state),
            "groups": [group.as_json() for group in self.groups],
            "lanes": [lane.as_json() for lane in self.lanes],
            "ledger": {
                "routed": sum(lane.count("routed") for lane in self.lanes),
                "accounted": sum(lane.accounted for lane in self.lanes),
                "in_flight": self.in_flight,
                "residual": self.residual,
            },
            "missing_topics": list(self.missing_topics),
            "problems": list(problems),
        }
