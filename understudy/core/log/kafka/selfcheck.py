"""What this backend uses of kafka-python beyond its documented interface, as data, and the check that it is there.

None of these symbols is promised by the library. Each is checked with its parameters when a log is made, so that
an incompatible version fails at start, with a name, and not in the middle of a transaction.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from understudy.core.log.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Iterable

SUPPORTED: Final = ">=3.0.12,<3.1"


@dataclass(frozen=True, slots=True)
class Symbol:
    """path: module:attribute. parameters: those used, which must be there in this order, perhaps among others."""

    path: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """A request class, and the version of it that is sent."""

    path: str
    version: int


SYMBOLS: Final = (
    Symbol("kafka.net.selector:NetworkSelector.poll", ("timeout_ms", "future")),
    Symbol("kafka.net.selector:NetworkSelector.close"),
    Symbol("kafka.net.manager:KafkaConnectionManager", ("net",)),
    Symbol("kafka.net.manager:KafkaConnectionManager.bootstrap", ("timeout_ms",)),
    Symbol("kafka.net.manager:KafkaConnectionManager.send", ("request", "node_id")),
    Symbol("kafka.net.manager:KafkaConnectionManager.least_loaded_node"),
    Symbol("kafka.net.manager:KafkaConnectionManager.close"),
    Symbol("kafka.cluster:ClusterMetadata.request_update"),
    Symbol("kafka.cluster:ClusterMetadata.need_update"),
    Symbol("kafka.cluster:ClusterMetadata.topic_id", ("topic_name",)),
    Symbol("kafka.cluster:ClusterMetadata.partitions_for_topic", ("topic",)),
    Symbol("kafka.future:Future.is_done"),
    Symbol("kafka.future:Future.value"),
    Symbol("kafka.future:Future.exception"),
    Symbol("kafka.errors:for_code", ("error_code",)),
    Symbol(
        "kafka.consumer.fetcher:Fetcher.PartitionRecords",
        (
            "fetch_offset",
            "tp",
            "records",
            "key_deserializer",
            "value_deserializer",
            "check_crcs",
            "isolation_level",
            "aborted_transactions",
            "metric_aggregator",
            "on_drain",
        ),
    ),
    Symbol("kafka.consumer.fetcher:Fetcher.PartitionRecords.take", ("n",)),
    Symbol("kafka.consumer.fetcher:Fetcher.PartitionRecords.drain"),
    Symbol("kafka.record:MemoryRecords._buffer"),
    Symbol("kafka.protocol.api_message:ApiMessage.API_VERSION"),
    Symbol("kafka.protocol.api_message:ApiMessage.with_header", ("correlation_id", "client_id")),
    Symbol("kafka.protocol.api_message:ApiMessage.encode", ("version", "header", "framed")),
    Symbol("kafka.coordinator.base:BaseCoordinator.reset_generation", ("member_id",)),
    Symbol("kafka.coordinator.base:BaseCoordinator.need_rejoin"),
    Symbol("kafka.coordinator.base:BaseCoordinator.request_rejoin"),
    Symbol("kafka.coordinator.base:BaseCoordinator.stable"),
    Symbol("kafka.coordinator.base:BaseCoordinator.rebalance_in_progress"),
)

APIS: Final = (
    Api("kafka.protocol.producer:ProduceRequest", 12),
    Api("kafka.protocol.producer:ProduceRequest", 11),
    Api("kafka.protocol.producer:InitProducerIdRequest", 5),
    Api("kafka.protocol.producer:InitProducerIdRequest", 4),
    Api("kafka.protocol.producer:AddPartitionsToTxnRequest", 3),
    Api("kafka.protocol.producer:AddOffsetsToTxnRequest", 3),
    Api("kafka.protocol.producer:TxnOffsetCommitRequest", 5),
    Api("kafka.protocol.producer:TxnOffsetCommitRequest", 3),
    Api("kafka.protocol.producer:EndTxnRequest", 5),
    Api("kafka.protocol.producer:EndTxnRequest", 4),
    Api("kafka.protocol.metadata:FindCoordinatorRequest", 4),
    Api("kafka.protocol.metadata:MetadataRequest", 12),
    Api("kafka.protocol.metadata:ApiVersionsRequest", 3),
    Api("kafka.protocol.consumer:FetchRequest", 12),
    Api("kafka.protocol.consumer:OffsetFetchRequest", 7),
    Api("kafka.protocol.consumer:OffsetCommitRequest", 8),
    Api("kafka.protocol.consumer:ListOffsetsRequest", 7),
    Api("kafka.protocol.consumer:LeaveGroupRequest", 5),
    Api("kafka.protocol.admin:DescribeGroupsRequest", 5),
    Api("kafka.protocol.admin:DescribeTransactionsRequest", 0),
    Api("kafka.protocol.admin:DescribeConfigsRequest", 4),
    Api("kafka.protocol.admin:CreateTopicsRequest", 7),
    Api("kafka.protocol.admin:CreatePartitionsRequest", 3),
    Api("kafka.protocol.admin:DeleteTopicsRequest", 5),
)

RECEIVING: Final = (
    Symbol("kafka.net.connection:KafkaProtocol", ("config",)),
    Symbol("kafka.net.connection:KafkaProtocol.receive_bytes", ("data",)),
    Symbol("kafka.net.connection:KafkaProtocol._process_response", ("read_buffer",)),
    Symbol("kafka.net.connection:KafkaProtocol._validate_frame_size", ("nbytes",)),
    Symbol("kafka.net.transport:KafkaTCPTransport._sock_recv", ("self",)),
)
"""Optional: what `receiving` replaces to save copies. Where one is missing it replaces nothing."""

CONNECTING: Final = (
    Symbol("kafka.net.inet:KafkaNetSocket.sock_connect", ("net", "sock", "sockaddr", "timeout_at")),
    Symbol("kafka.net.inet:KafkaNetSocket.register_class", ("klass",)),
)
"""Optional: what `connecting` replaces to close sockets. Where one is missing it replaces nothing."""

CONSUMER_ATTRIBUTES: Final = ("_fetcher", "_coordinator", "_cluster", "_subscription")
COORDINATOR_ATTRIBUTES: Final = ("_generation", "_heartbeat_enabled", "_join_task", "rejoining")


class IncompatibleClient(LogError):
    """The installed kafka-python is not one that this backend was written for."""


def check(symbols: Iterable[Symbol] = SYMBOLS, apis: Iterable[Api] = APIS) -> None:
    """Raise IncompatibleClient, naming the first symbol or request version that is missing or different."""
    for symbol in symbols:
        check_symbol(symbol)
    for api in apis:
        check_api(api)


def present(symbols: Iterable[Symbol]) -> bool:
    """Whether the installed kafka-python has all of these optional symbols."""
    try:
        check(symbols, ())
    except IncompatibleClient:
        return False
    return True


def check_attributes(owner: object, names: Iterable[str]) -> None:
    """Raise IncompatibleClient when a made object lacks an attribute that its class does not show."""
    for name in names:
        if not hasattr(owner, name):
            raise incompatible(f"{type(owner).__module__}.{type(owner).__qualname__}.{name}", "is missing")


def check_symbol(symbol: Symbol) -> None:
    """Find one symbol and compare its parameters."""
    found = find(symbol.path)
    if not symbol.parameters:
        return
    there = [name for name in inspect.signature(found).parameters if name in symbol.parameters]
    if there != list(symbol.parameters):
        raise incompatible(symbol.path, f"takes {there} of the parameters {list(symbol.parameters)}")


def check_api(api: Api) -> None:
    """Find one request class and its version."""
    request = find(api.path)
    lowest, highest = getattr(request, "min_version", 0), getattr(request, "max_version", -1)
    if not lowest <= api.version <= highest:
        raise incompatible(api.path, f"speaks versions {lowest} to {highest}, and version {api.version} is needed")


def find(path: str) -> Any:
    """The object at module:attribute."""
    module, _, attributes = path.partition(":")
    try:
        found: Any = import_module(module)
        for name in attributes.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise incompatible(path, "is missing") from error
    return found


def incompatible(path: str, problem: str) -> IncompatibleClient:
    """The error that names the symbol and what to install."""
    version = getattr(import_module("kafka"), "__version__", "unknown")
    return IncompatibleClient(
        f"kafka-python {version} does not fit: {path} {problem}. Install a supported version: "
        f"pip install 'kafka-python{SUPPORTED}'"
    )
