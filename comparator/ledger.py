"""What every lane was owed and gave, from the rows of the comparisons topic."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from understudy.deployments.plan import Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class LaneLedger:
    """Records of one lane by what became of them.

    A record that a shadow was sent is settled when production's answer is known, too; until then it is in flight.
    missing: a later record was answered, this one was not. unexpected: answers without a route, and second answers.
    routed_twice: records that were routed again, or to a second answering lane. unrouted: a shadow's records that no
    answering lane was sent. excluded: what the lane should have had and could not be given; not part of routed.
    reclaimed: of those answered, how many by another version in place of the lane's own, which was withdrawn.
    """

    routed: int = 0
    answered: int = 0
    failed: int = 0
    withdrawn: int = 0
    expired: int = 0
    missing: int = 0
    unexpected: int = 0
    routed_twice: int = 0
    unrouted: int = 0
    excluded: int = 0
    reclaimed: int = 0

    @property
    def in_flight(self) -> int:
        """Records that nothing is known of yet."""
        return self.routed - self.answered - self.failed - self.withdrawn - self.expired - self.missing

    @property
    def residual(self) -> int:
        """What should be impossible, and is an alarm unless it is 0."""
        return self.missing + self.unexpected + self.routed_twice + self.unrouted


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledgers of all lanes."""

    lanes: Mapping[Lane, LaneLedger]

    @property
    def in_flight(self) -> int:
        return sum(lane.in_flight for lane in self.lanes.values())

    @property
    def residual(self) -> int:
        return sum(lane.residual for lane in self.lanes.values())


COUNTS: Final = tuple(LaneLedger.__dataclass_fields__)


def ledger(rows: Iterable[Mapping[str, Any]]) -> Ledger:
    """The ledger of decoded comparison rows, of any partitions and in any order."""
    counts: dict[Lane, Counter[str]] = {}
    for row in rows:
        if row["block"] is None and row["slice"] is None and row["against"] is None:
            counts.setdefault(Lane(row["version"], row["role"]), Counter()).update(row["counts"])
    return Ledger({lane: LaneLedger(**{name: each[name] for name in COUNTS}) for lane, each in counts.items()})
