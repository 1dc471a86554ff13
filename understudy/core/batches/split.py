"""Batches out of batches: split, merge, rebuild. Each decodes, chooses and encodes again."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING

from understudy.core.batches.build import build_columns
from understudy.core.batches.compression import MAX_INFLATED_BYTES, DecompressionTooLarge
from understudy.core.batches.records import size_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from understudy.core.batches.batch import Batch
    from understudy.core.batches.records import Columns


def split(batch: Batch, chosen: Sequence[bool]) -> tuple[Batch | None, Batch | None]:
    """The chosen records and the rest, each a forwardable batch with the same codec; None without records.

    A forwardable batch that stays whole is given back as it is. chosen: one answer for each record of
    `batch.columns`. Raises ValueError when the numbers differ, or for a batch with an append time (`rebuild` it
    first); CorruptBatch, DecompressionTooLarge, MissingCodec.
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
    if len(keys) == batch.count and batch.is_forwardable:
        return batch
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
    Raises ValueError without records; DecompressionTooLarge when they exceed `max_bytes` decompressed, or one of the
    batches does; CorruptBatch, MissingCodec.
    """
    if not batches:
        raise ValueError("There is nothing to merge.")
    parts = list(_within(batches, max_bytes))
    return build_columns(
        list(chain.from_iterable(part.keys for part in parts)),
        list(chain.from_iterable(part.values for part in parts)),
        list(chain.from_iterable(map(_times, batches))),
        list(chain.from_iterable(part.headers for part in parts)),
        codec=batches[0].codec,
    )


def rebuild(batch: Batch) -> Batch:
    """One forwardable batch of what counts of `batch`: the slow path for gaps, append times and starts in mid-batch.

    An append time becomes every record's create time. Raises as `merge` does.
    """
    return merge([batch])


def _within(batches: Sequence[Batch], max_bytes: int) -> Iterator[Columns]:
    """Columns of each batch, decoded one after the other for as long as the bound allows."""
    left_bytes = max_bytes
    for batch in batches:
        left_bytes -= size_bytes(batch.columns)
        if left_bytes < 0:
            raise DecompressionTooLarge(
                f"The batches from offset {batches[0].base_offset} on exceed {max_bytes:,} bytes once decompressed: "
                "merge fewer of them."
            )
        yield batch.columns


def _times(batch: Batch) -> Sequence[int]:
    if batch.append_time_ms is None:
        return batch.columns.timestamps_ms
    return [batch.append_time_ms] * len(batch.columns)
