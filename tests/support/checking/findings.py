"""Differences between what an endpoint did and what it should have done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Kind = Literal[
    "revision_back",
    "wrong_revision",
    "wrong_plan",
    "routed_nobodys",
    "routed_twice",
    "not_routed",
    "wrongly_routed",
    "wrongly_excluded",
    "wrong_row",
    "wrong_end",
    "answer_of_nobodys",
    "answer_not_routed",
    "answered_twice",
    "unanswered",
    "out_of_order",
    "wrong_partition",
    "wrong_key",
    "wrong_lane",
    "wrong_version",
    "wrong_letters",
    "wrong_ledger",
    "wrong_pairs",
    "residual",
]


class Finding(NamedTuple):
    """So many records or rows of one place are not as they should be; one of them."""

    kind: Kind
    where: str
    times: int
    example: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.where}, {self.times:,} times; the first: {self.example}"


@dataclass(slots=True)
class Findings:
    """Gathers them: one for each kind and place, with the first example."""

    _found: dict[tuple[Kind, str], Finding] = field(default_factory=dict)

    def add(self, kind: Kind, where: str, example: str, count: int = 1) -> None:
        """Take one."""
        known = self._found.get((kind, where))
        first = example if known is None else known.example
        self._found[kind, where] = Finding(kind, where, count + (0 if known is None else known.times), first)

    def add_each(self, kind: Kind, where: str, wrong: NDArray[np.bool_], tell: Callable[[int], Any]) -> None:
        """Take the source offsets for which `wrong` is set; `tell` says what is wrong with one."""
        count = int(np.count_nonzero(wrong))
        if count:
            at = int(np.argmax(wrong))
            self.add(kind, where, f"offset {at}: {tell(at)}", count)

    def all(self) -> list[Finding]:
        """What was found."""
        return list(self._found.values())
