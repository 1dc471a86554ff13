"""What is known of an endpoint at one moment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RoleName = Literal["router", "worker", "comparator"]
LaneRole = Literal["answering", "shadow"]


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

    def as_json(self) -> dict[str, float | None]:
        return {"p50_us": self.p50_us, "p99_us": self.p99_us}


@dataclass(frozen=True, slots=True)
class Lane:
    """One version in one role, as the comparator has counted it.

    counts: the ledger's. pairs: by kind, for a shadow. latest_error: kind and text of its latest dead letter.
    """

    version: str
    role: LaneRole
    counts: Mapping[str, int] = field(default_factory=dict)
    pairs: Mapping[str, int] = field(default_factory=dict)
    times: Times = Times()
    production_times: Times = Times()
    latest_error: str | None = None

    def count(self, kind: str) -> int:
        return self.counts.get(kind, 0)

    @property
    def accounted(self) -> int:
        """Records of which it is known what became of them."""
        return sum(self.count(kind) for kind in ("answered", "failed", "withdrawn", "expired", "missing"))

    @property
    def in_flight(self) -> int:
        """Records that were routed and are not accounted for yet."""
        return max(0, self.count("routed") - self.accounted)

    @property
    def residual(self) -> int:
        """What does not add up.

        Records that no answer will come for any more (missing), answers that nobody asked for (unexpected), records
        of a shadow that no lane was to answer (unrouted), and what is accounted for without having been routed.
        """
        impossible = sum(self.count(kind) for kind in ("missing", "unexpected", "unrouted"))
        return impossible + max(0, self.accounted - self.count("routed"))

    @property
    def failed_pairs(self) -> int:
        return sum(count for kind, count in self.pairs.items() if kind.startswith("failed"))

    @property
    def unpaired(self) -> Mapping[str, int]:
        """Records that could not be compared, by the reason."""
        return {
            kind.removeprefix("unpaired_"): count for kind, count in self.pairs.items() if kind.startswith("unpaired_")
        }

    def as_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "role": self.role,
            **{kind: self.count(kind) for kind in ("routed", "answered", "failed", "withdrawn", "expired")},
            "in_flight": self.in_flight,
            "residual": self.residual,
            "pairs": {
                "total": sum(self.pairs.values()),
                "matched": self.pairs.get("matched", 0),
                "mismatched": self.pairs.get("mismatched", 0),
                "failed": self.failed_pairs,
                "unpaired": dict(self.unpaired),
            },
            "model_time": self.times.as_json(),
            "production_model_time": self.production_times.as_json(),
            "latest_error": self.latest_error,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """An endpoint. missing_topics: those that its plan needs and that do not exist."""

    endpoint: str
    revision: int
    groups: Sequence[Group] = ()
    lanes: Sequence[Lane] = ()
    missing_topics: Sequence[str] = ()

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
