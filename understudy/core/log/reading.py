"""Reading whole topics up to the end that they have now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import LogUnavailable, UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Admin, Log, Reader

POLL_S: Final = 0.2


def partitions_of(admin: Admin, topics: Collection[str]) -> list[TopicPartition]:
    """Every partition of the topics, in the order given. Raises UnknownTopic."""
    described = admin.describe(topics)
    missing = [topic for topic in topics if topic not in described]
    if missing:
        raise UnknownTopic(f"No topic {', '.join(missing)}: create it (`understudy topics`) or correct its name.")
    return [TopicPartition(topic, number) for topic in topics for number in range(described[topic].partitions)]


def read_to_end(
    log: Log, *topics: str, patience_s: float = 30.0, clock: Callable[[], float] = time.monotonic
) -> Iterator[tuple[TopicPartition, Batch]]:
    """All committed batches that are in the topics at the first step, in order per partition.

    The READ_UNCOMMITTED ends are taken first, and reading goes on until the reader has passed them: a transaction
    that was open then is waited for. Raises UnknownTopic; LogUnavailable when nothing moves for `patience_s`.
    """
    with log.admin() as admin:
        partitions = partitions_of(admin, topics)
        start, ends = admin.start_offsets(partitions), admin.end_offsets(partitions)
    start = {at: offset for at, offset in start.items() if offset < ends[at]}
    if not start:
        return
    with log.reader(start) as reader:
        yield from _read(reader, start, ends, patience_s, clock)


def _read(
    reader: Reader,
    start: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    patience_s: float,
    clock: Callable[[], float],
) -> Iterator[tuple[TopicPartition, Batch]]:
    positions, moved_s = dict(start), clock()
    while any(position < ends[at] for at, position in positions.items()):
        for at, batches in reader.poll(POLL_S).items():
            yield from ((at, batch) for batch in batches if batch.base_offset < ends[at])
        reached = {at: reader.position(at) for at in start}
        if reached != positions:
            positions, moved_s = reached, clock()
        elif clock() - moved_s > patience_s:
            stuck = ", ".join(f"{at} at {position}" for at, position in positions.items() if position < ends[at])
            raise LogUnavailable(
                f"Nothing could be read for {patience_s:g} s ({stuck}): a transaction is open there, or no broker "
                "answers. Try again."
            )
