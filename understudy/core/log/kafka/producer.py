"""A synchronous transactional producer of whole batches.

One transaction at a time, sent and awaited by the calling thread. Nothing is retried inside a transaction but what
the broker has not begun (CONCURRENT_TRANSACTIONS): any other doubt raises `TransactionLost`, and the one way on is
`initialise`, which ends whatever was left open, and to read the committed positions again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from kafka import errors

from understudy.core.batches import rebuild, restamped
from understudy.core.log.contract import no_probe
from understudy.core.log.errors import Fenced, OutputTooLarge
from understudy.core.log.kafka import transaction_requests as requests
from understudy.core.log.kafka.client import ensure
from understudy.core.log.kafka.outputs import await_leaders, refuse_if_confined
from understudy.core.log.kafka.produce_request import produce_request
from understudy.core.log.kafka.transactional_id import TransactionalId
from understudy.core.log.kafka.waves import in_waves, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch, Restamped
    from understudy.core.log.contract import Output, Phase, TopicPartition
    from understudy.core.log.kafka.client import Client, TransactionVersion
    from understudy.core.log.kafka.waves import Wave

REQUEST_MAX_BYTES: Final = 4 << 20
MAX_PENDING_REQUESTS: Final = 64
BATCH_MAX_BYTES: Final = 99_000_000
"""A broker closes the connection on a request of 100 MB (socket.request.max.bytes)."""
PATIENCE_S: Final = 10.0
CONCURRENT_PAUSE_S: Final = 0.001
SEQUENCE_MASK: Final = 0x7FFFFFFF
CONCURRENT: Final = errors.ConcurrentTransactionsError.errno
UNKNOWN_OUTPUT: Final = (errors.UnknownTopicOrPartitionError, errors.OperationNotAttemptedError)
"""The latter is said of the other partitions, where one of those announced together is not there."""
TOO_LARGE: Final = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)


class TransactionLost(Exception):
    """The transaction did not commit, or it is not known whether it did."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A produce request that is under way, and what it carries."""

    future: Any
    stamped: Mapping[TopicPartition, Restamped]


class Producer:
    """Writes under one transactional id. Not for use by more than one thread."""

    def __init__(
        self, client: Client, transactional_id: str, *, transaction_timeout_s: float, version: TransactionVersion
    ) -> None:
        self._client = client
        self._id = TransactionalId(client, transactional_id, transaction_timeout_s, version)
        self._touched: Sequence[TopicPartition] = ()
        self._sequences: dict[TopicPartition, int] = {}

    def initialise(self, deadline: float) -> None:
        """Take the transactional id and end what it left open; see `TransactionalId.take`."""
        self._client.forget()
        self._id.take(deadline)
        self._sequences = {}

    def commit(
        self,
        outputs: Iterable[Output],
        moved: requests.Moved | None = None,
        probe: Callable[[Phase], None] = no_probe,
    ) -> None:
        """One whole transaction; returns when the broker has acknowledged its commit.

        Raises TransactionLost, OutputRefused, Fenced; `initialise` must follow each but the last.
        """
        waves = in_waves(outputs)
        probe("begun")
        try:
            self._run(waves, moved, probe)
        except errors.FencedInstanceIdError as error:
            raise Fenced(
                f"Another instance joined the group as {self._id.who.transactional_id}, and this one must exit."
            ) from error
        except UNKNOWN_OUTPUT as error:
            self._refuse_missing(waves)
            raise lost(error) from error
        except errors.KafkaError as error:
            raise lost(error) from error

    def _refuse_missing(self, waves: Sequence[Wave]) -> None:
        """Raise OutputMissing where a topic was deleted since its leaders were looked up."""
        try:
            refuse_if_confined(self._client, touched(waves))
        except errors.KafkaError as error:
            raise lost(error) from error

    def _run(self, waves: Sequence[Wave], moved: requests.Moved | None, probe: Callable[[Phase], None]) -> None:
        partitions = touched(waves)
        self._client.pump()  # a connection that was closed meanwhile is noticed before it is written to
        await_leaders(self._client, partitions)
        self._touched = partitions
        if not self._id.who.versions.implicit:
            self._announce(partitions, moved.group if moved else None)
        first = self._produce(waves[0]) if waves else ()
        positions = self._send_positions(moved) if moved else None
        self._settle_first(first)
        self._send_rest(waves[1:])
        probe("produced")
        if moved:
            self._settle_positions(positions, moved)
        probe("positioned")
        self._end(probe)

    def _announce(self, partitions: Sequence[TopicPartition], group: str | None) -> None:
        """Tell the coordinator what the transaction will touch."""
        if partitions:
            added = requests.add_partitions_request(self._id.who, partitions)
            self._settle(lambda: requests.added_codes(self._client.call(added, self._id.coordinator())))
        if group:
            offsets = requests.add_offsets_request(self._id.who, group)
            self._settle(lambda: {self._client.call(offsets, self._id.coordinator()).error_code})

    def _stamp(self, at: TopicPartition, batch: Batch) -> Restamped:
        """The batch with this producer's id and the partition's next sequence, which moves on."""
        sendable = batch if batch.is_forwardable else rebuild(batch)
        sequence = self._sequences.get(at, 0)
        self._sequences[at] = (sequence + sendable.count) & SEQUENCE_MASK
        who = self._id.who
        data = restamped(
            sendable,
            producer_id=who.producer_id,
            producer_epoch=who.epoch,
            base_sequence=sequence,
            transactional=True,
        )
        if len(data) > BATCH_MAX_BYTES:
            raise too_large(at, len(data))
        return data

    def _produce(self, wave: Wave) -> Sequence[Sent]:
        """Send one batch for each partition of the wave."""
        return self._send_stamped({at: self._stamp(at, batch) for at, batch in wave.items()})

    def _send_stamped(self, stamped: Mapping[TopicPartition, Restamped]) -> Sequence[Sent]:
        leaders = self._client.leaders(stamped)
        return [
            Sent(self._client.send(produce_request(self._id.who, part), node), part)
            for node in set(leaders.values())
            for part in within(REQUEST_MAX_BYTES, {at: data for at, data in stamped.items() if leaders[at] == node})
        ]

    def _settle_first(self, sent: Sequence[Sent]) -> None:
        """Await the requests that bring partitions into the transaction.

        The markers of the transaction before may still be being written: nothing was appended then, and the same
        bytes are sent again.
        """
        deadline = time.monotonic() + PATIENCE_S
        while sent:
            refused = self._await_appended(sent)
            if refused and time.monotonic() > deadline:
                raise errors.ConcurrentTransactionsError(self._id.who.transactional_id)
            if refused:
                self._client.pump(CONCURRENT_PAUSE_S)
            sent = self._send_stamped(refused) if refused else ()

    def _send_rest(self, waves: Sequence[Wave]) -> None:
        """Send the further batches of each partition; a connection keeps their order, so none is waited for."""
        pending: list[Sent] = []
        for wave in waves:
            pending += self._produce(wave)
            if len(pending) >= MAX_PENDING_REQUESTS:
                self._settle_rest(pending)
                pending = []
        self._settle_rest(pending)

    def _settle_rest(self, sent: Sequence[Sent]) -> None:
        if self._await_appended(sent):
            raise errors.ConcurrentTransactionsError(self._id.who.transactional_id)

    def _await_appended(self, sent: Sequence[Sent]) -> dict[TopicPartition, Restamped]:
        """Await the requests; what was refused as CONCURRENT_TRANSACTIONS comes back."""
        refused: dict[TopicPartition, Restamped] = {}
        for answer, request in zip(self._client.wait([one.future for one in sent]), sent, strict=True):
            codes = requests.produced_codes(answer)
            for at, data in request.stamped.items():
                code = codes.get(at, errors.UnknownError.errno)
                if code == CONCURRENT:
                    refused[at] = data
                elif code:
                    raise append_error(at, code, len(data))
        return refused

    def _send_positions(self, moved: requests.Moved) -> Any:
        request = requests.positions_request(self._id.who, moved)
        return self._client.send(request, self._client.coordinator("group", moved.group))

    def _settle_positions(self, sent: Any, moved: requests.Moved) -> None:
        codes = requests.position_codes(self._client.wait([sent])[0])
        if CONCURRENT in codes:
            self._settle(lambda: requests.position_codes(self._client.wait([self._send_positions(moved)])[0]))
        else:
            ensure(max(codes, default=0), "positions")

    def _settle(self, attempt: Callable[[], set[int]]) -> None:
        """Repeat what is refused while the transaction before is being ended. Raises KafkaError."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            codes = attempt() - {0}
            if codes != {CONCURRENT} or time.monotonic() > deadline:
                ensure(max(codes, default=0), "transaction")
                return
            self._client.pump(CONCURRENT_PAUSE_S)

    def _end(self, probe: Callable[[Phase], None]) -> None:
        answer = self._client.send(requests.end_request(self._id.who), self._id.coordinator())
        if probe is not no_probe:
            for _ in range(3):
                self._client.pump()  # a probe may kill the process: the request must be out by then
        probe("ending")
        self._take_end(self._client.wait([answer])[0])
        probe("ended")

    def _take_end(self, answer: Any) -> None:
        """Go on with the epoch that the end of a transaction gave; its sequences start at 0."""
        ensure(answer.error_code, "end of the transaction")
        renewed = (answer.producer_id, answer.producer_epoch)
        if self._id.who.versions.implicit and renewed != (self._id.who.producer_id, self._id.who.epoch):
            self._sequences = {}
            self._id.renew(*renewed)

    def end_again(self, group: str) -> None:
        """End once more, in the same way, the transaction that had ended before `initialise`, where its end is known.

        That is: move no position of the group and write nothing, but have the coordinator write its markers anew.
        Raises TransactionLost, after which `initialise` must follow.
        """
        former, self._id.former = self._id.former, None
        if former is None:
            return
        try:
            self._announce(self._touched, group)
            end = requests.end_request(self._id.who, committed=former == "commit")
            self._take_end(self._client.call(end, self._id.coordinator()))
        except errors.KafkaError as error:
            raise lost(error) from error


def touched(waves: Sequence[Wave]) -> list[TopicPartition]:
    """All partitions that are written: the first wave has every one."""
    return [at for wave in waves[:1] for at in wave]


def lost(error: errors.KafkaError) -> TransactionLost:
    """The loss that an error of the client means."""
    return TransactionLost(f"{type(error).__name__}: {error}")


def append_error(at: TopicPartition, code: int, size_bytes: int) -> Exception:
    """What a refused batch is reported as."""
    kind: type[Exception] = errors.for_code(code)
    return too_large(at, size_bytes) if issubclass(kind, TOO_LARGE) else kind(str(at))


def too_large(at: TopicPartition, size_bytes: int) -> OutputTooLarge:
    """The error that names partition, size and remedy."""
    return OutputTooLarge(
        f"A batch of {size_bytes:,} bytes is larger than {at} takes, and nothing was committed. Raise the topic's "
        "max.message.bytes, or write smaller batches.",
        topic=at.topic,
    )
