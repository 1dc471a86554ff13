"""From records to outputs of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from understudy.core.batches import build_columns
from understudy.core.log.contract import Output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from understudy.core.log.contract import TopicPartition

    Headers = Sequence[tuple[tuple[str, bytes | None], ...]]

MAX_BATCH_BYTES: Final = 900_000
"""Batches of several records stay below this, well inside a topic's default limit of 1,048,588."""

_RECORD_BYTES: Final = 36
"""More than a record takes besides key, value and headers: lengths, deltas, attributes."""


def outputs(
    at: TopicPartition,
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    timestamps_ms: Sequence[int],
    headers: Headers | None = None,
    *,
    max_bytes: int = MAX_BATCH_BYTES,
) -> list[Output]:
    """As few batches for one partition as stay within `max_bytes`, in order; a larger record goes alone."""
    sizes = [_size(key) + _size(value) + _RECORD_BYTES for key, value in zip(keys, values, strict=True)]
    if headers is not None:
        sizes = [size + _headers_size(each) for size, each in zip(sizes, headers, strict=True)]
    return [
        Output(
            at.topic,
            at.partition,
            build_columns(keys[cut], values[cut], timestamps_ms[cut], None if headers is None else headers[cut]),
        )
        for cut in _cuts(sizes, max_bytes)
    ]


def _size(data: bytes | None) -> int:
    return 0 if data is None else len(data)


def _headers_size(headers: tuple[tuple[str, bytes | None], ...]) -> int:
    # A name takes at most four bytes a character, each length at most five.
    return sum(4 * len(name) + _size(value) + 10 for name, value in headers)


def _cuts(sizes: Sequence[int], max_bytes: int) -> Iterator[slice]:
    if sum(sizes) <= max_bytes:
        if sizes:
            yield slice(0, len(sizes))
        return
    begin = filled = 0
    for i, size in enumerate(sizes):
        if i > begin and filled + size > max_bytes:
            yield slice(begin, i)
            begin, filled = i, 0
        filled += size
    yield slice(begin, len(sizes))
