"""What became of one routed record, as compact as it can be: many of these wait for their partners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from comparator.tracks import Track
from understudy.statistics.sketch import bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from comparator.slices import SliceNames
    from understudy.deployments.plan import Role

Outcome = Literal["answered", "failed", "withdrawn", "expired", "missing", "unrouted", "canary"]
"""The first three are told by rows. expired: retention took the record, or its answer, away before it was read.
missing: a later record of the lane was answered. unrouted: no answering lane was ever sent the record. canary: a
canary was sent the record, and production was not sent it, too."""

Scalar = bool | int | float | str | None

EXPIRED: Final = "expired"
"""The error kind by which a withdrawn range says that retention had already removed its records."""


class Answer(NamedTuple):
    """A lane's row for the records from `source_offset` up to, not including, `after`.

    offset: of the row in its topic. event_time_ms: None where nobody knows. model_time: bucket of the sketch, of
    nanoseconds. reclaimed: another version answered in place of the routed one, which was withdrawn.
    """

    source_offset: int
    after: int
    offset: int
    outcome: Outcome
    version: str
    revision: int
    event_time_ms: int | None
    event_id: str | None = None
    slices: tuple[str, ...] = ()
    model_time: int = 0
    label: Scalar = None
    probabilities: Sequence[float] | None = None
    number: float | None = None
    values: Sequence[Scalar] | None = None
    error_kind: str | None = None
    error: str | None = None
    reclaimed: bool = False


def absent(at: int, outcome: Outcome, version: str, revision: int, offset: int) -> Answer:
    """What stands for a record that no row tells of. offset: of the row that shows it."""
    return Answer(at, at + 1, offset, outcome, version, revision, None)


class AnswerReader:
    """Reads the rows of predictions and shadow-predictions."""

    def __init__(self, decode: Callable[[bytes | None], Mapping[str, Any]], slice_names: SliceNames) -> None:
        self._decode: Final = decode
        self._slice_names: Final = slice_names
        self._tracks: Final[dict[tuple[str, Role], Track]] = {}
        self._last_time_ns = 0
        self._last_bucket = bucket_of(0)

    def read(self, value: bytes | None, offset: int, role: Role) -> tuple[Track, Answer]:
        """The lane's track and its answer. role: the topic's. Raises Undecodable."""
        row = self._decode(value)
        version = row["routed_version"]
        track = self._tracks.get((version, role)) or self._tracks.setdefault((version, role), Track(version, role))
        source_offset = row["source_offset"]
        outcome = row["outcome"]
        if outcome == "withdrawn" and row["error_kind"] == EXPIRED:
            outcome = "expired"
        return track, Answer(
            source_offset,
            source_offset + row["span"],
            offset,
            outcome,
            track.version,
            row["revision"],
            row["event_time"],
            row["event_id"],
            self._slice_names.of(row["slices"]),
            self._bucket(row["model_time_ns"]),
            row["label"],
            row["probabilities"],
            row["number"],
            row["values"],
            row["error_kind"],
            row["error"],
            row["answered_version"] != version,
        )

    def _bucket(self, time_ns: int) -> int:
        if time_ns != self._last_time_ns:  # a micro-batch's records all have the same
            self._last_time_ns, self._last_bucket = time_ns, bucket_of(time_ns)
        return self._last_bucket
