"""Topics, offsets and groups."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final, Self, TypeVar

from kafka import errors
from kafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteTopicsRequest,
    DescribeConfigsRequest,
)

from understudy.core.log.contract import TopicInfo, TopicPartition
from understudy.core.log.errors import HOW_TO_MAKE_IT, GroupIsLive, LogError, LogUnavailable, TopicExists, UnknownTopic
from understudy.core.log.kafka.client import RETRIABLE, ensure, refused
from understudy.core.log.kafka.groups import describe_group, remove_member
from understudy.core.log.kafka.offsets import EARLIEST, LATEST, list_offsets
from understudy.core.log.kafka.positions import commit_positions, committed_positions
from understudy.core.log.kafka.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from understudy.core.log.contract import GroupMember, NewTopic, Position
    from understudy.core.log.kafka.client import Client, TopicMetadata

T = TypeVar("T")

PATIENCE_S: Final = 30.0
EVICTED_TIMEOUT_S: Final = 5.0
TOPIC_RESOURCE: Final = 2
NO_TOPIC: Final = errors.UnknownTopicOrPartitionError.errno


class KafkaAdmin:
    """See `contract.Admin`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def describe(self, topics: Iterable[str]) -> Mapping[str, TopicInfo]:
        """See `contract.Admin.describe`."""
        names = set(topics)
        found = self._patiently(lambda: self._client.topics(names))
        configs = self._patiently(lambda: self._configs(found)) if found else {}
        return {
            name: TopicInfo(name, topic.topic_id, len(topic.leaders), configs.get(name, {}))
            for name, topic in found.items()
        }

    def _configs(self, topics: Iterable[str]) -> dict[str, dict[str, str]]:
        request = DescribeConfigsRequest(
            resources=[
                DescribeConfigsRequest.DescribeConfigsResource(
                    resource_type=TOPIC_RESOURCE, resource_name=name, configuration_keys=None
                )
                for name in topics
            ],
            include_synonyms=False,
            include_documentation=False,
            max_version=4,
        )
        found = {}
        for result in self._client.call(request, self._client.any_node()).results:
            if result.error_code != NO_TOPIC:
                ensure(result.error_code, result.resource_name)
                found[result.resource_name] = {
                    entry.name: entry.value for entry in result.configs if entry.value is not None
                }
        return found

    def create(self, topics: Iterable[NewTopic]) -> None:
        """See `contract.Admin.create`."""
        wanted = list(topics)
        if not wanted:
            return
        self._patiently(lambda: self._create(wanted))
        self._await_leaders({topic.name: topic.partitions for topic in wanted})

    def _create(self, topics: Sequence[NewTopic]) -> None:
        kind = CreateTopicsRequest.CreatableTopic
        request = CreateTopicsRequest(
            topics=[
                kind(
                    name=topic.name,
                    num_partitions=topic.partitions,
                    replication_factor=topic.replication_factor,
                    assignments=[],
                    configs=[kind.CreatableTopicConfig(name=name, value=text) for name, text in topic.config.items()],
                )
                for topic in topics
            ],
            timeout_ms=int(PATIENCE_S * 1000),
            validate_only=False,
            max_version=7,
        )
        for result in self._client.call(request, self._client.any_node()).topics:
            if result.error_code == errors.TopicAlreadyExistsError.errno:
                raise TopicExists(f"Topic {result.name} exists already.")
            explain(result.error_code, f"to create topic {result.name}", result.error_message)

    def grow(self, topic: str, partitions: int) -> None:
        """See `contract.Admin.grow`."""
        request = CreatePartitionsRequest(
            topics=[
                CreatePartitionsRequest.CreatePartitionsTopic(name=topic, count=partitions, assignments=None),
            ],
            timeout_ms=int(PATIENCE_S * 1000),
            validate_only=False,
            max_version=3,
        )
        for result in self._patiently(lambda: self._client.call(request, self._client.any_node())).results:
            if result.error_code == NO_TOPIC:
                raise UnknownTopic(f"Topic {topic} does not exist. {HOW_TO_MAKE_IT}")
            explain(result.error_code, f"to grow topic {topic} to {partitions} partitions", result.error_message)
        self._await_leaders({topic: partitions})

    def delete(self, topics: Iterable[str]) -> None:
        """See `contract.Admin.delete`."""
        names = sorted(set(topics))
        if not names:
            return
        request = DeleteTopicsRequest(topic_names=names, timeout_ms=int(PATIENCE_S * 1000), max_version=5)
        for result in self._patiently(lambda: self._client.call(request, self._client.any_node())).responses:
            if result.error_code != NO_TOPIC:
                explain(result.error_code, f"to delete topic {result.name}", result.error_message)
        self._await(lambda: not self._client.topics(names), f"deletion of {', '.join(names)}")

    def start_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `contract.Admin.start_offsets`."""
        return self._offsets(partitions, EARLIEST)

    def end_offsets(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
        """See `contract.Admin.end_offsets`."""
        return self._offsets(partitions, LATEST)

    def offsets_at(self, partitions: Iterable[TopicPartition], timestamp_ms: int) -> Mapping[TopicPartition, int]:
        """See `contract.Admin.offsets_at`."""
        wanted = list(partitions)
        found = self._patiently(lambda: list_offsets(self._client, wanted, timestamp_ms))
        later = {at: offset for at, offset in found.items() if offset is not None}
        ends = self._offsets([at for at in wanted if at not in later], LATEST)
        return {at: later.get(at, ends.get(at, 0)) for at in wanted}

    def _offsets(self, partitions: Iterable[TopicPartition], which: int) -> dict[TopicPartition, int]:
        wanted = list(partitions)
        found = self._patiently(lambda: list_offsets(self._client, wanted, which))
        return {at: offset or 0 for at, offset in found.items()}

    def positions(self, group: str) -> Mapping[TopicPartition, Position]:
        """See `contract.Admin.positions`. Waits for transactions that are about to move one."""
        return self._patiently(lambda: committed_positions(self._client, group))

    def set_positions(self, group: str, positions: Mapping[TopicPartition, Position]) -> None:
        """See `contract.Admin.set_positions`. Raises NoteTooLong too."""
        if self.members(group):
            raise GroupIsLive(f"Group {group} has live members: stop them before its positions are set.")
        if positions:
            self._patiently(lambda: commit_positions(self._client, group, positions))

    def members(self, group: str) -> Sequence[GroupMember]:
        """See `contract.Admin.members`."""
        return self._patiently(lambda: describe_group(self._client, group)).members

    def evict(self, group: str, slots: Iterable[str]) -> None:
        """See `contract.Admin.evict`."""
        for slot in slots:
            self._patiently(partial(self._fence, slot))
            self._patiently(partial(self._remove, group, slot))

    def _fence(self, transactional_id: str) -> None:
        version = self._client.transaction_version()
        producer = Producer(self._client, transactional_id, transaction_timeout_s=EVICTED_TIMEOUT_S, version=version)
        producer.initialise(time.monotonic() + PATIENCE_S)

    def _remove(self, group: str, slot: str) -> None:
        with suppress(errors.UnknownMemberIdError):
            remove_member(self._client, group, slot)

    def _patiently(self, attempt: Callable[[], T]) -> T:
        try:
            return self._client.retry(attempt, time.monotonic() + PATIENCE_S)
        except errors.KafkaError as error:
            raise refused(error, "an administrator's request") from error

    def _await_leaders(self, partitions: Mapping[str, int]) -> None:
        """Wait until every partition has a leader, and until that broker knows that it is the leader."""

        def named(found: Mapping[str, TopicMetadata]) -> bool:
            return all(
                name in found and len(found[name].leaders) >= count and min(found[name].leaders.values()) >= 0
                for name, count in partitions.items()
            )

        self._await(lambda: named(self._client.topics(partitions.keys())), f"leaders of {', '.join(partitions)}")
        self._client.forget()
        self.end_offsets(TopicPartition(name, index) for name, count in partitions.items() for index in range(count))

    def _await(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not self._patiently(condition):
            if time.monotonic() > deadline:
                raise LogUnavailable(f"The {what} took longer than {PATIENCE_S:g} s. Check the brokers' logs.")
            self._client.pump(0.02)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def explain(code: int, what: str, message: str | None) -> None:
    """Raise what passes as KafkaError, and the rest with the broker's own words."""
    if not code:
        return
    kind: type[errors.KafkaError] = errors.for_code(code)
    if issubclass(kind, RETRIABLE):
        raise kind(what)
    raise LogError(f"The broker refuses {what}: {message or kind.__name__}")
