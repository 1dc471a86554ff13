"""Requests and their answers, on the calling thread: connections, leaders, coordinators, and what may be retried."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from kafka import errors
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.metadata import ApiVersionsRequest, FindCoordinatorRequest, MetadataRequest

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import HOW_TO_MAKE_IT, LogUnavailable, UnknownTopic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

T = TypeVar("T")
CoordinatorKind = Literal["group", "transaction"]
TransactionVersion = Literal[1, 2]

COORDINATOR_KEY_TYPES: Final[dict[CoordinatorKind, int]] = {"group": 0, "transaction": 1}
RETRIABLE: Final = (errors.RetriableError, errors.UnknownBrokerIdError)
BACKOFF_S: Final = 0.02
MAX_IN_FLIGHT: Final = 1_000
"""Requests on one connection. The library's default of 5 protects retries inside a transaction; there are none."""
RECEIVE_MAX_BYTES: Final = 200_000_000


@dataclass(frozen=True, slots=True)
class Address:
    """How a cluster is reached. security: kafka-python's own names (security_protocol, sasl_mechanism, ssl_cafile)."""

    bootstrap: str
    security: Mapping[str, object]
    client_id: str = "understudy"
    connect_timeout_s: float = 10.0

    def servers(self) -> list[str]:
        return [server.strip() for server in self.bootstrap.split(",")]


@dataclass(frozen=True, slots=True)
class TopicMetadata:
    """A topic as brokers describe it. leaders: node by partition; -1 where there is none."""

    topic_id: str
    leaders: Mapping[int, int]


class Client:
    """A connection to each broker that is talked to. Not for use by more than one thread at a time."""

    def __init__(self, address: Address, *, request_timeout_s: float = 10.0) -> None:
        """Connect. Raises LogUnavailable."""
        self.address = address
        self._request_timeout_s = request_timeout_s
        self._leaders: dict[TopicPartition, int] = {}
        self._coordinators: dict[tuple[CoordinatorKind, str], int] = {}
        self._net = NetworkSelector(client_id=address.client_id, slow_task_threshold_secs=0)
        self._manager = KafkaConnectionManager(
            self._net,
            bootstrap_servers=address.servers(),
            client_id=address.client_id,
            request_timeout_ms=int(request_timeout_s * 1000),
            receive_message_max_bytes=RECEIVE_MAX_BYTES,
            max_in_flight_requests_per_connection=MAX_IN_FLIGHT,
            reconnect_backoff_max_ms=1_000,
            **address.security,
        )
        try:
            self._manager.bootstrap(timeout_ms=int(address.connect_timeout_s * 1000))
        except errors.KafkaError as error:
            self.close()
            raise unavailable(address, error) from error

    def send(self, request: Any, node: int) -> Any:
        """Send without waiting. Returns the future of the answer."""
        return self._manager.send(request, node_id=node)

    def wait(self, futures: Iterable[Any]) -> list[Any]:
        """The answers, in order. Raises the first KafkaError among them."""
        deadline = time.monotonic() + self._request_timeout_s + 1
        return [self._answer(future, deadline) for future in futures]

    def _answer(self, future: Any, deadline: float) -> Any:
        if not future.is_done:
            self._net.poll(timeout_ms=max(0.0, (deadline - time.monotonic()) * 1000), future=future)
        if not future.is_done:
            raise errors.KafkaTimeoutError("no answer")
        if future.exception is not None:
            raise future.exception
        return future.value

    def call(self, request: Any, node: int) -> Any:
        """Send, and wait for the answer. Raises KafkaError."""
        return self.wait([self.send(request, node)])[0]

    def pump(self, timeout_s: float = 0.0, until: Any = None) -> None:
        """Let connections be read and written for a moment, or until a future is done."""
        self._net.poll(timeout_ms=timeout_s * 1000, future=until)

    def retry(self, attempt: Callable[[], T], deadline: float) -> T:
        """What `attempt` returns, tried again until the deadline when it fails for a reason that passes."""
        while True:
            try:
                return attempt()
            except RETRIABLE:
                self.forget()
                if time.monotonic() >= deadline:
                    raise
                self.pump(BACKOFF_S)

    def forget(self) -> None:
        """Look leaders and coordinators up anew."""
        self._leaders.clear()
        self._coordinators.clear()

    def any_node(self) -> int:
        """A node to ask what any node knows. Raises NodeNotReadyError."""
        node: int | None = self._manager.least_loaded_node()
        if node is None:
            raise errors.NodeNotReadyError("no broker")
        return node

    def topics(self, names: Collection[str]) -> dict[str, TopicMetadata]:
        """The topics that exist, of those named. Raises KafkaError."""
        if not names:
            return {}
        request = MetadataRequest(
            topics=[MetadataRequest.MetadataRequestTopic(name=name, topic_id=None) for name in sorted(names)],
            allow_auto_topic_creation=False,
            min_version=10,
            max_version=12,
        )
        found = {}
        for topic in self.call(request, self.any_node()).topics:
            if topic.error_code == errors.UnknownTopicOrPartitionError.errno:
                continue
            ensure(topic.error_code, topic.name)
            leaders = {part.partition_index: part.leader_id for part in topic.partitions}
            found[topic.name] = TopicMetadata(str(topic.topic_id), leaders)
        return found

    def leaders(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The node that leads each partition. Raises UnknownTopic; KafkaError where there is no leader now."""
        wanted = list(partitions)
        missing = {at.topic for at in wanted if at not in self._leaders}
        if missing:
            self._look_up(missing)
        leaders = {at: self._leaders.get(at, -1) for at in wanted}
        headless = [at for at, node in leaders.items() if node < 0]
        if headless:
            self.forget()
            raise errors.LeaderNotAvailableError(
                f"{headless[0]} has no leader now, or is not there: when the input has grown, run `understudy topics`"
            )
        return leaders

    def _look_up(self, topics: set[str]) -> None:
        found = self.topics(topics)
        for name in topics - found.keys():
            raise UnknownTopic(f"Topic {name} does not exist. {HOW_TO_MAKE_IT}")
        for name, topic in found.items():
            self._leaders.update({TopicPartition(name, index): node for index, node in topic.leaders.items()})

    def coordinator(self, kind: CoordinatorKind, key: str) -> int:
        """The node that coordinates a group or a transactional id. Raises KafkaError."""
        if (kind, key) not in self._coordinators:
            request = FindCoordinatorRequest(
                key=key, key_type=COORDINATOR_KEY_TYPES[kind], coordinator_keys=[key], min_version=4, max_version=4
            )
            found = self.call(request, self.any_node()).coordinators[0]
            ensure(found.error_code, f"coordinator of {key}")
            self._coordinators[kind, key] = found.node_id
        return self._coordinators[kind, key]

    def transaction_version(self) -> TransactionVersion:
        """2 where the cluster speaks KIP-890, else 1. Raises KafkaError."""
        request = ApiVersionsRequest(
            client_software_name="understudy", client_software_version="0", min_version=3, max_version=3
        )
        features = self.call(request, self.any_node()).finalized_features or []
        level = max(
            (feature.max_version_level for feature in features if feature.name == "transaction.version"), default=1
        )
        return 2 if level >= 2 else 1  # noqa: PLR2004 - KIP-890's second version

    def close(self) -> None:
        """Close the connections. What was sent and not answered stays unanswered."""
        self._manager.close()
        self._net.poll(timeout_ms=0)
        self._net.close()


def ensure(code: int, what: str) -> None:
    """Raise the KafkaError of an error code."""
    if code:
        raise errors.for_code(code)(what)


def by_topic(partitions: Iterable[tuple[TopicPartition, T]]) -> dict[str, list[tuple[int, T]]]:
    """Grouped as requests want it: (partition, value) lists by topic."""
    grouped: dict[str, list[tuple[int, T]]] = {}
    for at, value in partitions:
        grouped.setdefault(at.topic, []).append((at.partition, value))
    return grouped


def by_node(leaders: Mapping[TopicPartition, int]) -> dict[int, Sequence[TopicPartition]]:
    """The partitions that each node leads."""
    grouped: dict[int, list[TopicPartition]] = {}
    for at, node in leaders.items():
        grouped.setdefault(node, []).append(at)
    return {node: tuple(partitions) for node, partitions in grouped.items()}


def refused(error: Exception, what: str) -> LogUnavailable:
    """The error for what will not pass by itself: missing rights, mostly."""
    return LogUnavailable(f"The broker refuses {what}: {_said(error)}")


def unavailable(address: Address, error: Exception) -> LogUnavailable:
    """The error that says where no broker answered."""
    return LogUnavailable(
        f"No broker answers at {address.bootstrap} within {address.connect_timeout_s:g} s. Check kafka.bootstrap and "
        f"the security settings, and that the broker runs (`understudy broker status`). The client said: {_said(error)}"
    )


def _said(error: Exception) -> str:
    """An error's name and text; the text of kafka-python's own errors begins with their name."""
    name, text = type(error).__name__, str(error)
    return text if text.startswith(name) else f"{name}: {text}"
