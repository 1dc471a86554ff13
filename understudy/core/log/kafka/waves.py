"""Outputs arranged as produce requests take them: one batch per partition in each, bounded in size."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from understudy.core.batches import Batch
from understudy.core.log.contract import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sized

    from understudy.core.log.contract import Output

T = TypeVar("T", bound="Sized")

Wave = dict[TopicPartition, Batch]
"""At most one batch for each partition."""


def in_waves(outputs: Iterable[Output]) -> list[Wave]:
    """The outputs in waves of at most one batch per partition, as a produce request takes them; order is kept."""
    waves: list[Wave] = []
    depth: dict[TopicPartition, int] = {}
    for output in outputs:
        at = TopicPartition(output.topic, output.partition)
        index = depth.get(at, 0)
        depth[at] = index + 1
        if index == len(waves):
            waves.append({})
        waves[index][at] = output.batch
    return waves


def within(limit_bytes: int, stamped: Mapping[TopicPartition, T]) -> list[dict[TopicPartition, T]]:
    """The batches in groups of at most `limit_bytes` (a larger one is a group of its own); their len() is in bytes."""
    groups: list[dict[TopicPartition, T]] = []
    size_bytes = limit_bytes
    for at, data in stamped.items():
        if size_bytes + len(data) > limit_bytes:
            groups.append({})
            size_bytes = 0
        groups[-1][at] = data
        size_bytes += len(data)
    return groups
