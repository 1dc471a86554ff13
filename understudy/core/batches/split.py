"""Batches out of batches: split, merge, rebuild. Each decodes, chooses and encodes again."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING

from understudy.core.batches.build import build_columns
from understudy.core.batches.compression import MAX_INFLATED_BYTES, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.batches.batch import Batch


def split(batch: Batch, chosen: Sequence[bool]) -> tuple[Batch | None, Batch | None]:
    """The chosen records and the rest, each a forwardable batch with the same codec, or None without records.

    chosen: one answer for each record of `batch.columns`. Raises ValueError when the numbers differ, or for a batch
    with an append time (`rebuild` it first); CorruptBatch, DecompressionTooLarge, MissingCodec.
    """
    if batch.append_time_ms is not None:
        raise ValueError(f"The batch at offset {batch.base_offset} carries an append time: rebuild it first.")
    if len(chosen) != len(batch.columns):
        raise ValueError(f"{len(chosen)} choices for {len(batch.columns)} records.")
    return _part(batch, chosen), _part(batch, [not choice for choice in chosen])


def _part(batch: Batch, chosen: Sequence[bool]) -> Batch | None:
    columns = batch.columns
    keys = list(compress(columns.keys, chosen))
    if not keys:
        return None
    return build_columns(
        keys,
        list(compress(columns.values, chosen)),
        list(compress(columns.timestamps_ms, chosen)),
        list(compress(columns.headers, chosen)),
        codec=batch.codec,
        base_timestamp_ms=batch.base_timestamp_ms,
    )


def merge(batches: Sequence[Batch], *, max_bytes: int = MAX_INFLATED_BYTES) -> Batch:
    """One forwardable batch of all the records, with offsets from 0 and the first batch's codec.

    Times are those that a reader of the batches goes by: create times, or for a batch with an append time that.
    Raises ValueError without records; DecompressionTooLarge when the records exceed `max_bytes` decompressed;
    CorruptBatch, MissingCodec.
    """
    parts = [batch.columns for batch in batches]
    values = list(chain.from_iterable(part.values for part in parts))
    if sum(map(len, filter(None, values))) > max_bytes:
        raise too_large(max_bytes)
    return build_columns(
        list(chain.from_iterable(part.keys for part in parts)),
        values,
        list(chain.from_iterable(map(_times, batches))),
        list(chain.from_iterable(part.headers for part in parts)),
        codec=batches[0].codec,
    )


def rebuild(batch: Batch) -> Batch:
    """One forwardable batch of what counts of `batch`: the slow path for gaps, append times and starts in mid-batch.

    An append time becomes every record's create time. Raises as `merge` does.
    """
    return merge([batch])


def _times(batch: Batch) -> Sequence[int]:
    if batch.append_time_ms is None:
        return batch.columns.timestamps_ms
    return [batch.append_time_ms] * len(batch.columns)
