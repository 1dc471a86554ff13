"""What a partition's lanes answered, held against what they owe."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from support.checking.rows import Lane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from support.checking.findings import Findings
    from support.checking.owed import Owed
    from support.checking.plans import Withdrawals
    from support.checking.rows import Answer, Role

OWED_NOTHING = np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class LaneAnswers:
    """One lane's rows in one partition, by source offset; a withdrawn range stands at each record that it accounts for.

    answered_to: the source offset after the last row.
    """

    rows: list[Answer | None]
    answered_to: int = 0
    revision: int = 0


@dataclass(slots=True)
class Answered:
    """One partition's rows of one topic."""

    partition: int
    role: Role
    lanes: dict[Lane, LaneAnswers] = field(default_factory=dict)
    failed: Counter[tuple[int, int, str]] = field(default_factory=Counter)

    def row(self, lane: Lane, at: int) -> Answer | None:
        """What the lane said of a source offset."""
        known = self.lanes.get(lane)
        return None if known is None else known.rows[at]


def read_answers(
    owed: Owed, role: Role, rows: Sequence[Answer], withdrawals: Withdrawals, findings: Findings
) -> Answered:
    """Take a partition's rows in their order, and see that every record that was routed has one."""
    answered = Answered(owed.partition, role)
    reader = _Reader(owed, answered, withdrawals, findings)
    for row in rows:
        reader.take(row)
    for lane, debt in owed.lanes.items():
        if lane.role == role:
            _check_complete(owed, answered, lane, debt.routed, findings)
    if role == "answering":
        _check_users(owed, answered, findings)
    return answered


@dataclass(slots=True)
class _Reader:
    owed: Owed
    answered: Answered
    withdrawals: Withdrawals
    findings: Findings

    def take(self, row: Answer) -> None:
        where = f"{self.answered.role} rows[{self.owed.partition}], {row.routed_version}"
        if row.source_partition != self.owed.partition:
            self.findings.add("wrong_partition", where, str(row))
            return
        if row.source_offset not in self.owed.keys:
            self.findings.add("answer_of_nobodys", where, str(row))
            return
        if row.lane != self.answered.role:
            self.findings.add("wrong_lane", where, str(row))
        self._check_version(row, where)
        lane = Lane(row.routed_version, self.answered.role)
        known = self.answered.lanes.get(lane)
        if known is None:
            known = self.answered.lanes[lane] = LaneAnswers([None] * self.owed.size)
        self._check_order(row, known, where)
        if row.outcome == "withdrawn":
            self._withdraw(row, lane, known, where)
        else:
            self._answer(row, lane, known, where)

    def _check_version(self, row: Answer, where: str) -> None:
        if row.outcome == "withdrawn":
            wrong = row.lane != "shadow" or not self.withdrawals.answerers(row.routed_version, row.revision)
        elif row.answered_version == row.routed_version:
            wrong = False
        else:
            answerers = self.withdrawals.answerers(row.routed_version, row.revision)
            wrong = row.lane != "answering" or row.answered_version not in answerers
        if wrong and not (row.outcome == "withdrawn" and row.error_kind == "expired"):
            self.findings.add("wrong_version", where, str(row))

    def _check_order(self, row: Answer, known: LaneAnswers, where: str) -> None:
        if row.source_offset < known.answered_to and known.rows[row.source_offset] is None:
            self.findings.add("out_of_order", where, f"{row} after one up to {known.answered_to}")
        if row.revision < known.revision:
            self.findings.add("revision_back", where, f"{row} after revision {known.revision}")
        known.answered_to = max(known.answered_to, row.source_offset + row.span)
        known.revision = row.revision

    def _answer(self, row: Answer, lane: Lane, known: LaneAnswers, where: str) -> None:
        at = row.source_offset
        if row.key != self.owed.keys[at]:
            self.findings.add("wrong_key", where, f"{row}, the record's key is {self.owed.keys[at]!r}")
        if row.span != 1 or row.outcome not in {"answered", "failed"}:
            self.findings.add("wrong_row", where, str(row))
        self._settle(row, lane, known, at, where)
        if row.outcome == "failed":
            self.answered.failed[row.source_partition, at, row.answered_version] += 1

    def _withdraw(self, row: Answer, lane: Lane, known: LaneAnswers, where: str) -> None:
        debt = self.owed.lanes.get(lane)
        after = min(row.source_offset + row.span, self.owed.size)
        routed = OWED_NOTHING if debt is None else debt.routed[row.source_offset : after]
        mine = np.flatnonzero(routed) + row.source_offset
        if not len(mine):
            self.findings.add("answer_not_routed", where, str(row))
        for at in mine.tolist():
            self._settle(row, lane, known, at, where)

    def _settle(self, row: Answer, lane: Lane, known: LaneAnswers, at: int, where: str) -> None:
        debt = self.owed.lanes.get(lane)
        revision = 0 if debt is None else int(debt.routed[at])
        if not revision:
            self.findings.add("answer_not_routed", where, str(row))
        elif row.revision != revision:
            self.findings.add("wrong_revision", where, f"{row}, routed under {revision}")
        elif debt is not None and row.share_ppm != debt.share_ppm[at]:
            self.findings.add("wrong_row", where, f"{row}, routed with a share of {debt.share_ppm[at]}")
        if known.rows[at] is not None:
            self.findings.add("answered_twice", where, f"offset {at}: {known.rows[at]} and {row}")
        known.rows[at] = row


def _check_complete(owed: Owed, answered: Answered, lane: Lane, routed: NDArray[np.int64], findings: Findings) -> None:
    known = answered.lanes.get(lane)
    rows = [None] * owed.size if known is None else known.rows
    unanswered = (routed > 0) & np.array([row is None for row in rows], dtype=np.bool_)
    where = f"{answered.role} rows[{owed.partition}], {lane.version}"
    findings.add_each("unanswered", where, unanswered, lambda at: f"routed under revision {routed[at]}")


def _check_users(owed: Owed, answered: Answered, findings: Findings) -> None:
    """Whoever reads predictions has one answer for each input record, whichever lane gave it."""
    times = np.zeros(owed.size, dtype=np.int64)
    for known in answered.lanes.values():
        times += np.array([row is not None for row in known.rows], dtype=np.int64)
    where = f"predictions[{owed.partition}]"
    findings.add_each("unanswered", where, owed.there & (times == 0), lambda _: "no lane answered")
    findings.add_each("answered_twice", where, times > 1, lambda at: f"{times[at]} lanes answered")
