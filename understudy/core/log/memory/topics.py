"""The topics of a memory log."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from understudy.core.log.contract import TopicInfo, TopicPartition
from understudy.core.log.errors import HOW_TO_GROW_IT, HOW_TO_MAKE_IT, OutputMissing, TopicExists, UnknownTopic
from understudy.core.log.memory.storage import MAX_MESSAGE_BYTES, PartitionLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from understudy.core.log.contract import NewTopic


@dataclass(slots=True)
class Topic:
    """One topic and its partitions."""

    name: str
    topic_id: str
    config: Mapping[str, str]
    partitions: list[PartitionLog] = field(default_factory=list)

    def grow(self, partitions: int) -> None:
        """Add partitions until there are so many. Raises ValueError when there are more already."""
        if partitions < len(self.partitions):
            raise ValueError(f"{self.name} has {len(self.partitions)} partitions and cannot shrink to {partitions}.")
        for number in range(len(self.partitions), partitions):
            self.partitions.append(
                PartitionLog(
                    TopicPartition(self.name, number),
                    max_message_bytes=int(self.config.get("max.message.bytes", MAX_MESSAGE_BYTES)),
                    append_time=self.config.get("message.timestamp.type") == "LogAppendTime",
                )
            )

    def info(self) -> TopicInfo:
        return TopicInfo(self.name, self.topic_id, len(self.partitions), dict(self.config))


class Topics:
    """All topics, by name."""

    def __init__(self) -> None:
        self._topics: dict[str, Topic] = {}
        self._ids = count(1)

    def create(self, new: NewTopic) -> None:
        """Make a topic. Raises TopicExists; ValueError for less than one partition."""
        if new.name in self._topics:
            raise TopicExists(f"The topic {new.name} is there already: choose another name, or delete it first.")
        if new.partitions < 1:
            raise ValueError(f"{new.name} needs at least one partition.")
        topic = Topic(new.name, f"topic-{next(self._ids)}", dict(new.config))
        topic.grow(new.partitions)
        self._topics[new.name] = topic

    def delete(self, name: str) -> None:
        """Forget a topic. Raises UnknownTopic."""
        del self._topics[self.named(name).name]

    def find(self, name: str) -> Topic | None:
        return self._topics.get(name)

    def named(self, name: str) -> Topic:
        """The topic. Raises UnknownTopic."""
        topic = self._topics.get(name)
        if topic is None:
            raise UnknownTopic(f"The topic {name} does not exist. {HOW_TO_MAKE_IT}")
        return topic

    def partition(self, at: TopicPartition) -> PartitionLog:
        """The partition's log. Raises UnknownTopic."""
        partitions = self.named(at.topic).partitions
        if not 0 <= at.partition < len(partitions):
            raise UnknownTopic(
                f"The topic {at.topic} has no partition {at.partition}, only {len(partitions)}: grow it "
                "(`understudy topics`)."
            )
        return partitions[at.partition]

    def output(self, at: TopicPartition) -> PartitionLog:
        """The log of a partition that a transaction writes to. Raises OutputMissing."""
        topic = self._topics.get(at.topic)
        if topic is None:
            raise OutputMissing(f"The topic {at.topic} does not exist. {HOW_TO_MAKE_IT}", topic=at.topic)
        if not 0 <= at.partition < len(topic.partitions):
            count = len(topic.partitions)
            raise OutputMissing(
                f"{at} does not exist: the topic has {count} partitions. {HOW_TO_GROW_IT}", topic=at.topic
            )
        return topic.partitions[at.partition]

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Partitions of each topic; 0 where there is none."""
        return {name: len(topic.partitions) if (topic := self.find(name)) else 0 for name in names}
