"""Whether the topics of a transaction can be written, and which one cannot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from kafka import errors

from understudy.core.log.errors import (
    HOW_TO_GROW_IT,
    HOW_TO_MAKE_IT,
    OutputMissing,
    OutputRefused,
    OutputUnavailable,
    UnknownTopic,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from understudy.core.log.contract import TopicPartition
    from understudy.core.log.kafka.client import Client, TopicMetadata

PATIENCE_S: Final = 10.0
OFFLINE_PATIENCE_S: Final = 4.0
"""A leader moves to another broker, comes back after a quick restart, or becomes known everywhere, in less."""
NO_LEADER: Final = -1


def await_leaders(client: Client, partitions: Collection[TopicPartition]) -> None:
    """Wait until every partition has a leader.

    Raises OutputMissing at once for a topic and after `OFFLINE_PATIENCE_S` for a partition, OutputUnavailable after
    that, too, KafkaError after `PATIENCE_S`.
    """
    began = time.monotonic()

    def attempt() -> None:
        try:
            client.leaders(partitions)
        except errors.LeaderNotAvailableError:
            refuse_if_confined(client, partitions, time.monotonic() - began)
            raise
        except UnknownTopic as error:
            refuse_if_confined(client, partitions)
            raise errors.LeaderNotAvailableError(str(error)) from error  # one broker knows it, another not yet

    client.retry(attempt, began + PATIENCE_S)


def refuse_if_confined(client: Client, partitions: Collection[TopicPartition], waited_s: float = 0.0) -> None:
    """Look the topics up, and raise OutputRefused where one of them is the trouble. Raises KafkaError too."""
    refusal = refusal_of(partitions, client.topics({at.topic for at in partitions}), waited_s)
    if refusal is not None:
        raise refusal


def refusal_of(
    partitions: Collection[TopicPartition], found: Mapping[str, TopicMetadata], waited_s: float
) -> OutputRefused | None:
    """The refusal of one topic among those to be written, by what the brokers say of them; None where none is due.

    Where no partition at all has a leader it is not one topic's trouble, but the brokers'. A partition that is not
    there is waited for: it may be new, and one broker knows of it, another not yet.
    """
    for at in partitions:
        if at.topic not in found:
            return OutputMissing(f"Topic {at.topic} does not exist. {HOW_TO_MAKE_IT}", topic=at.topic)
        if at.partition not in found[at.topic].leaders and waited_s >= OFFLINE_PATIENCE_S:
            count = len(found[at.topic].leaders)
            return OutputMissing(
                f"{at} does not exist: the topic has {count} partitions. {HOW_TO_GROW_IT}", topic=at.topic
            )
    leaders = {at: found[at.topic].leaders.get(at.partition) for at in partitions}
    offline = [at for at, node in leaders.items() if node == NO_LEADER]
    some_led = any(node is not None and node >= 0 for node in leaders.values())
    if offline and some_led and waited_s >= OFFLINE_PATIENCE_S:
        return OutputUnavailable(
            f"{offline[0]} has had no leader for {waited_s:.0f} s, and nothing was committed. Check the brokers that "
            "hold its replicas.",
            topic=offline[0].topic,
        )
    return None
