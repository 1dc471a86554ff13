"""Where one topic is read again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.batches import Batch


@dataclass(slots=True)
class Cursor:
    """Reads from a row that was there on, so that it shows when retention has removed something.

    anchor: the offset of that row; None where it begins at the present, and no row has come yet. next: rows below it
    were taken. lost: the anchor was not found. onwards: what begins at the anchor brought nothing new, so the next
    page begins at `next`.
    """

    anchor: int | None
    next: int
    lost: bool = False
    onwards: bool = False

    @property
    def page(self) -> int:
        """The offset to ask for."""
        return self.next if self.onwards or self.anchor is None else self.anchor

    def turn(self, batches: Sequence[Batch], position: int) -> None:
        """Move over a page, which ends at `position` at the latest; an empty one says that nothing is left."""
        rows = [batch.columns.offsets for batch in batches if batch.columns.offsets]
        if not self.onwards and self.anchor is not None and (not rows or rows[0][0] > self.anchor):
            self.lost = True
        reached = min(batches[-1].next_offset, position) if batches else position
        self.onwards = reached <= self.next
        self.next = max(self.next, reached)
        if rows:
            self.anchor = max(self.anchor or 0, min(rows[-1][-1], position - 1))

    def follow(self, batch: Batch) -> None:
        """Move over a batch that came by itself, right behind `next`."""
        self.next = batch.next_offset
        if batch.columns.offsets:
            self.anchor = batch.columns.offsets[-1]
