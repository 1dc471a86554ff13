"""Kafka under test, on a real broker; read back by librdkafka."""

from __future__ import annotations

import threading
import time
import uuid
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # exported, without saying so
from confluent_kafka.cimpl import NewPartitions, NewTopic
from support.harness import Visible

from understudy.core.batches import Record, build, restamped
from understudy.core.log.contract import EMPTY, Output
from understudy.core.log.contract import TopicPartition as At
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.kafka import transaction_requests as requests
from understudy.core.log.kafka.client import Address, Client, ensure
from understudy.core.log.kafka.groups import remove_member
from understudy.core.log.kafka.offsets import LATEST, list_offsets
from understudy.core.log.kafka.produce_request import produce_request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Session, SessionSpec
    from understudy.core.log.kafka.session import KafkaSession

PATIENCE_S = 30.0
LOOK_S = 0.01
MARKERS_S = 1.0
TRANSACTION_TIMEOUT_MS = 60_000
NOBODY = -1
COMPACTION_S = 60.0
"""A broker looks for what to compact every 15 seconds by default."""
COMPACTED = {"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.0"}


class KafkaTransaction:
    """An open transaction of another user."""

    def __init__(self, client: Client, transactional_id: str, outputs: Sequence[Output]) -> None:
        self._client = client
        self._touched = {At(output.topic, output.partition) for output in outputs}
        version = client.transaction_version()
        self._who = requests.Identity(transactional_id, requests.VERSIONS[version])
        answer = self._ask(requests.init_request(self._who, TRANSACTION_TIMEOUT_MS))
        self._who = requests.Identity(
            transactional_id, requests.VERSIONS[version], answer.producer_id, answer.producer_epoch
        )
        if version == 1:
            answer = self._ask(requests.add_partitions_request(self._who, self._touched))
            ensure(max(requests.added_codes(answer)), transactional_id)
        sequences: dict[At, int] = dict.fromkeys(self._touched, 0)
        for output in outputs:
            at = At(output.topic, output.partition)
            self._append(at, output.batch, sequences[at])
            sequences[at] += output.batch.count

    def _ask(self, request: Any) -> Any:
        def attempt() -> Any:
            answer = self._client.call(request, self._client.coordinator("transaction", self._who.transactional_id))
            ensure(getattr(answer, "error_code", 0) or 0, self._who.transactional_id)
            return answer

        return self._client.retry(attempt, time.monotonic() + PATIENCE_S)

    def _append(self, at: At, batch: Batch, sequence: int) -> None:
        data = restamped(
            batch,
            producer_id=self._who.producer_id,
            producer_epoch=self._who.epoch,
            base_sequence=sequence,
            transactional=True,
        )

        def attempt() -> None:
            node = self._client.leaders([at])[at]
            codes = requests.produced_codes(self._client.call(produce_request(self._who, {at: data}), node))
            ensure(codes[at], str(at))

        self._client.retry(attempt, time.monotonic() + PATIENCE_S)

    def end(self, *, commit: bool) -> None:
        ends = list_offsets(self._client, self._touched, LATEST)
        request = requests.end_request(self._who)
        request.committed = commit
        self._ask(request)
        wait_until(
            lambda: all(
                (end or 0) > (ends[at] or 0) for at, end in list_offsets(self._client, self._touched, LATEST).items()
            ),
            PATIENCE_S,
            "markers of a transaction",
        )


class KafkaHarness:
    """Implements `LogHarness`."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._prefix = f"t{uuid.uuid4().hex[:8]}"
        self._log = KafkaLog(bootstrap)
        self._sessions: list[KafkaSession] = []
        self._transactions = 0

    @property
    def log(self) -> KafkaLog:
        return self._log

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._bootstrap})

    @cached_property
    def _client(self) -> Client:
        return Client(Address(self._bootstrap, EMPTY, client_id="harness"))

    @cached_property
    def _reader(self) -> Consumer:
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": f"{self._prefix}-reader",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
            }
        )

    def name(self, stem: str) -> str:
        return f"{self._prefix}-{stem}"

    def create_topic(self, stem: str, partitions: int = 1, config: Mapping[str, str] = EMPTY) -> str:
        self._create(self.name(stem), partitions, config)
        return self.name(stem)

    def _create(self, topic: str, partitions: int, config: Mapping[str, str]) -> None:
        # Records of the tests are older than a topic keeps them by default.
        kept = {"retention.ms": "-1", **config}
        new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=kept)
        finish(self._admin.create_topics([new]))
        self._await_leaders(topic, partitions)

    def create_compacted(self, stem: str, batches: Sequence[Batch]) -> str:
        """Compaction leaves the segment that is written to alone: an aborted transaction, unseen, begins a new one."""
        topic = self.create_topic(stem, config=COMPACTED)
        last = At(topic, 0)
        for batch in batches:
            self.append(topic, 0, batch)
        keys = {seen.key for seen in self.read_committed(topic)}
        filler = build([Record(b"filler", b"", self.now_ms())])
        self.open_transaction([Output(topic, 0, filler)]).end(commit=False)
        wait_until(lambda: len(self.read_committed(topic)) == len(keys), COMPACTION_S, f"compaction of {last}")
        return topic

    def _await_leaders(self, topic: str, partitions: int) -> None:
        def led() -> bool:
            found = self._client.topics([topic]).get(topic)
            return found is not None and len(found.leaders) == partitions and min(found.leaders.values()) >= 0

        wait_until(led, PATIENCE_S, f"leaders of {topic}")
        self._client.forget()
        written = [At(topic, index) for index in range(partitions)]
        # Only a broker that knows that it leads a partition says where it ends.
        self._client.retry(lambda: list_offsets(self._client, written, LATEST), time.monotonic() + PATIENCE_S)

    def grow(self, topic: str, partitions: int) -> None:
        finish(self._admin.create_partitions([NewPartitions(topic, partitions)]))
        self._await_leaders(topic, partitions)

    def delete_topic(self, topic: str) -> None:
        finish(self._admin.delete_topics([topic]))
        wait_until(lambda: not self._client.topics([topic]), PATIENCE_S, f"deletion of {topic}")
        self._client.forget()

    def recreate_topic(self, topic: str, partitions: int = 1) -> None:
        self.delete_topic(topic)
        self._create(topic, partitions, EMPTY)

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        finish(self._admin.delete_records([TopicPartition(topic, partition, before_offset)]))

    def append(self, topic: str, partition: int, *batches: Batch) -> int:
        first, *_ = [self._append(At(topic, partition), batch) for batch in batches]
        return first

    def _append(self, at: At, batch: Batch) -> int:
        data = restamped(batch, producer_id=NOBODY, producer_epoch=NOBODY, base_sequence=NOBODY, transactional=False)
        nobody = requests.Identity(cast("str", None), requests.VERSIONS[2])

        def attempt() -> int:
            answer = self._client.call(produce_request(nobody, {at: data}), self._client.leaders([at])[at])
            part = answer.responses[0].partition_responses[0]
            ensure(part.error_code, str(at))
            return int(part.base_offset)

        return self._client.retry(attempt, time.monotonic() + PATIENCE_S)

    def open_transaction(self, outputs: Sequence[Output]) -> KafkaTransaction:
        self._transactions += 1
        return KafkaTransaction(self._client, self.name(f"other-user-{self._transactions}"), outputs)

    def read_committed(self, topic: str, partition: int = 0) -> Sequence[Visible]:
        self._await_markers(At(topic, partition))
        self._reader.assign([TopicPartition(topic, partition, 0)])
        seen: list[Visible] = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            message = self._reader.poll(1.0)
            if message is None:
                continue
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                return seen
            assert error is None, error
            seen.append(as_visible(message))
        raise AssertionError(f"the end of {topic}[{partition}] was not reached")

    def _await_markers(self, at: At) -> None:
        """A commit is acknowledged before its markers are written: wait for them, but not for an open transaction."""
        deadline = time.monotonic() + MARKERS_S
        tick = threading.Event()
        while self._end(at, IsolationLevel.READ_COMMITTED) < self._end(at, IsolationLevel.READ_UNCOMMITTED):
            if time.monotonic() > deadline:
                return
            tick.wait(LOOK_S)

    def _end(self, at: At, isolation: IsolationLevel) -> int:
        """The partition's end as a reader of this isolation level sees it."""
        latest = {TopicPartition(at.topic, at.partition): OffsetSpec.latest()}  # type: ignore[no-untyped-call]  # its stub
        (future,) = self._admin.list_offsets(latest, isolation_level=isolation).values()
        return int(future.result(timeout=PATIENCE_S).offset)

    def session(self, spec: SessionSpec) -> KafkaSession:
        session = self._log.session(spec)
        self._sessions.append(session)
        return session

    def kill(self, session: Session) -> None:
        kill(cast("KafkaSession", session))

    def evict(self, session: Session) -> None:
        spec = cast("KafkaSession", session)._spec
        remove = partial(remove_member, self._client, spec.group, spec.slot)
        self._client.retry(remove, time.monotonic() + PATIENCE_S)

    def stall(self, session: Session, duration_s: float) -> None:
        paused = threading.Event()
        network = cast("KafkaSession", session)._membership._consumer._net
        network.call_soon_threadsafe(lambda: paused.wait(duration_s))  # no heartbeat leaves a paused process
        threading.Event().wait(duration_s)
        paused.set()

    def now_ms(self) -> int:
        return round(time.time() * 1000)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float, what: str) -> None:
        wait_until(condition, timeout_s, what)

    def close(self) -> None:
        for session in self._sessions:
            session.close()
        if "_client" in self.__dict__:
            self._client.close()
        if "_reader" in self.__dict__:
            self._reader.close()


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Look again and again until it holds; fail when it does not in time."""
    deadline = time.monotonic() + timeout_s
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        tick.wait(LOOK_S)


def finish(futures: Mapping[Any, Any]) -> None:
    """Wait for the administrator's requests."""
    for future in futures.values():
        future.result(timeout=PATIENCE_S)


def as_visible(message: Any) -> Visible:
    headers = tuple((name, value) for name, value in message.headers() or ())
    return Visible(message.offset(), message.timestamp()[1], message.key(), message.value(), headers)


def kill(session: KafkaSession) -> None:
    """Break a session's connections as the end of its process does: nothing more is sent."""
    if session._state == "closed":
        return
    session._state = "closed"
    consumer = session._membership._consumer
    consumer._closed = True
    consumer._net.stop()
    for manager in (consumer._manager, session._client._manager):
        manager.closed = True
        transports = [each.transport for each in manager._conns.values() if each.transport is not None]
        watched = [each.fileobj for each in manager._net._selector.get_map().values()]  # and those just being made
        for end in [transport._sock for transport in transports] + watched:
            end.close()
        manager._net.close()
