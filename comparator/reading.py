"""From the batches of the three topics to what their rows say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from comparator.answers import Answer, AnswerReader
from comparator.routed import RoutedFrame
from comparator.tracks import Track
from schemas.encodings import RowDecoder, Undecodable
from understudy.core.log.errors import LogError

if TYPE_CHECKING:
    from comparator.feeds import Feed
    from comparator.slices import SliceNames
    from understudy.core.batches import Batch

Rows: TypeAlias = Sequence[tuple[Track, RoutedFrame | Answer]]
"""What the rows of one batch say of lanes, in the batch's order."""


class ForeignRow(LogError):
    """A record on one of our topics that none of our roles wrote."""


class RowReader:
    """Decodes batches. predictions: the decoder for the encoding that the settings name for outputs."""

    def __init__(self, predictions: RowDecoder, slice_names: SliceNames) -> None:
        self._route: Final = RowDecoder.of("avro", "route").decode
        self._answers: Final = AnswerReader(predictions.decode, slice_names)

    def read(self, feed: Feed, batch: Batch) -> Rows:
        """Raises ForeignRow; SchemaUnavailable."""
        return self.routes(batch) if feed == "routes" else self.answers(feed, batch)

    def routes(self, batch: Batch) -> list[tuple[Track, RoutedFrame]]:
        """What was sent to lanes, or could not be; rows on other matters are left out. Raises ForeignRow."""
        columns = batch.columns
        routes: list[tuple[Track, RoutedFrame]] = []
        for offset, value in zip(columns.offsets, columns.values, strict=True):
            try:
                row = self._route(value)
            except Undecodable as error:
                raise _foreign("routes", offset, error) from error
            if row["kind"] != "adopted":
                routes.append((Track(row["version"], row["role"]), RoutedFrame.of(row, columns.offsets[0])))
        return routes

    def answers(self, feed: Feed, batch: Batch) -> list[tuple[Track, Answer]]:
        """What lanes answered. Raises ForeignRow; SchemaUnavailable."""
        columns = batch.columns
        role: Final = "answering" if feed == "predictions" else "shadow"
        read = self._answers.read
        answers: list[tuple[Track, Answer]] = []
        for offset, value in zip(columns.offsets, columns.values, strict=True):
            try:
                answers.append(read(value, offset, role))
            except Undecodable as error:
                raise _foreign(feed, offset, error) from error
        return answers


def _foreign(feed: Feed, offset: int, error: Undecodable) -> ForeignRow:
    return ForeignRow(
        f"The record at offset {offset} of {feed.replace('_', '-')} is not one of our rows ({error}). Nothing after it "
        "is compared, so that no count is wrong; find out who writes to the topic, and set the positions behind it."
    )
