"""Prediction rows: what became of each record of a part, for the predictions topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from schemas.encodings import InvalidRow
from understudy.models.outputs import Failure
from workers.events import within_range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.encodings import PredictionEncoder, SharedPrediction
    from understudy.deployments.plan import Role
    from understudy.models.outputs import Answer
    from workers.answering import Outcomes
    from workers.lanes import Part

MAX_MESSAGE_CHARACTERS: Final = 1_000
MAX_KEY_BYTES: Final = 900_000
MAX_RECORD_BYTES: Final = 1_040_000
"""Of a row and its key: our topics take batches of 1,048,588 bytes and more."""


class Written(NamedTuple):
    """A part's rows and their keys, and which of its records have no answer: (index, failure), ascending."""

    keys: list[bytes | None]
    rows: list[bytes]
    failures: list[tuple[int, Failure]]


class Withdrawn(NamedTuple):
    """Rows that say of ranges of records that nobody will answer them, and the times of each range's first event."""

    rows: list[bytes]
    event_times_ms: list[int]


class PredictionRows:
    """Writes the rows of one version; `encoders` has one for each lane that it may have.

    answered_by: the version that answers what was routed to `version`, where that is another one. A record fails also
    where its answer cannot be written: a value that a row does not have (wrong_shape), a row that is too large for the
    topic (wrong_shape), a key that is (invalid; that row goes without a key).
    """

    def __init__(
        self, version: str, encoders: Mapping[Role, PredictionEncoder], *, answered_by: str | None = None
    ) -> None:
        self._version: Final = version
        self._answered_by: Final = answered_by or version
        self._encoders: Final = encoders

    def write(self, outcomes: Outcomes) -> Written:
        """One row for each record, in the part's order."""
        keys = list(outcomes.part.columns.keys)
        told = list(zip(outcomes.part.source_offsets, *outcomes.details, strict=True))
        encode = self._shared(outcomes.part, "answered", outcomes.model_time_ns)
        tried = [
            _answered(encode, result, key, *own) for result, key, own in zip(outcomes.results, keys, told, strict=True)
        ]
        rows = [row for row in tried if not isinstance(row, Failure)]
        if len(rows) == len(tried):
            return Written(keys, rows, [])
        failures = [(index, row) for index, row in enumerate(tried) if isinstance(row, Failure)]
        encode = self._shared(outcomes.part, "failed", outcomes.model_time_ns)
        for index, failure in failures:
            rows.insert(index, _failed(encode, failure, *told[index]))
            keys[index] = None if _too_large(keys[index]) else keys[index]
        return Written(keys, rows, failures)

    def withdrawn(self, part: Part) -> Withdrawn:
        """One row for each range of neighbouring records, which nobody answers."""
        encode = self._shared(part, "withdrawn", 0)
        times_ms = within_range(part.columns.timestamps_ms)
        ranges = list(_ranges(part.source_offsets))
        rows = [
            encode(source_offset=part.source_offsets[first], event_time=times_ms[first], span=end - first)
            for first, end in ranges
        ]
        return Withdrawn(rows, [times_ms[first] for first, _ in ranges])

    def _shared(
        self, part: Part, outcome: Literal["answered", "failed", "withdrawn"], model_time_ns: int
    ) -> SharedPrediction:
        header = part.header
        return self._encoders[part.role].shared(
            outcome=outcome,
            lane=part.role,
            routed_version=self._version,
            answered_version=self._version if outcome == "withdrawn" else self._answered_by,
            revision=header.revision,
            share_ppm=header.share_ppm,
            source_partition=header.source_partition,
            model_time_ns=model_time_ns,
        )


def _ranges(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The indices, first and one behind the last, of each range of offsets without a gap."""
    if isinstance(offsets, range):
        yield 0, len(offsets)
        return
    gaps = [index for index in range(1, len(offsets)) if offsets[index] > offsets[index - 1] + 1]
    yield from zip([0, *gaps], [*gaps, len(offsets)], strict=True)


def _answered(
    encode: SharedPrediction,
    result: Answer | Failure,
    key: bytes | None,
    source_offset: int,
    event_time_ms: int,
    event_id: str | None,
    slices: Mapping[str, str],
) -> bytes | Failure:
    if isinstance(result, Failure):
        return result
    try:
        row = encode(
            source_offset=source_offset,
            event_time=event_time_ms,
            event_id=event_id,
            slices=slices,
            label=result.label,
            probabilities=result.probabilities,
            number=result.number,
            values=result.values,
        )
    except InvalidRow as error:
        return Failure("wrong_shape", f"the answer cannot be written: {error}")
    if _too_large(key):
        return Failure("invalid", f"the key is larger than the {MAX_KEY_BYTES:,} bytes that can stand beside an answer")
    if len(row) + len(key or b"") > MAX_RECORD_BYTES:
        return Failure("wrong_shape", f"the answer takes {len(row):,} bytes, too many for one record")
    return row


def _failed(
    encode: SharedPrediction,
    failure: Failure,
    source_offset: int,
    event_time_ms: int,
    event_id: str | None,
    slices: Mapping[str, str],
) -> bytes:
    return encode(
        source_offset=source_offset,
        event_time=event_time_ms,
        event_id=event_id,
        slices=slices,
        error_kind=failure.kind,
        error=plain_text(failure.message),
    )


def plain_text(message: str) -> str:
    """A message that can be written as UTF-8 and is not long: models raise whatever they like."""
    return message[:MAX_MESSAGE_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def _too_large(key: bytes | None) -> bool:
    return key is not None and len(key) > MAX_KEY_BYTES
