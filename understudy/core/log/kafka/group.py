"""Membership in a consumer group: who owns what, and the batches of it. Wraps the library's consumer.

Its network thread sends the heartbeats, so a member stays in the group while its step computes, for up to
`MAX_POLL_INTERVAL_S` between two polls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import kafka
from kafka import errors
from kafka.coordinator.assignors.range import RangePartitionAssignor

from understudy.core.log.contract import TopicPartition
from understudy.core.log.errors import Fenced, LogError
from understudy.core.log.kafka.client import refused, unavailable
from understudy.core.log.kafka.fetch import OutOfRange, WholeBatches
from understudy.core.log.kafka.join_gate import JoinGate
from understudy.core.log.kafka.selfcheck import CONSUMER_ATTRIBUTES, COORDINATOR_ATTRIBUTES, check_attributes
from understudy.core.log.kafka.transaction_requests import Member

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import SessionSpec
    from understudy.core.log.kafka.client import Address

MAX_POLL_INTERVAL_S: Final = 600.0
HEARTBEAT_S: Final = 0.5
FETCH_WAIT_S: Final = 0.1
GATHER_WAIT_S: Final = 0.025
"""How long a broker may hold a fetch back: briefly where it gathers `min_bytes`, for the sake of latency."""
SLOT_PATTERN: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
REJOINS: Final = (
    errors.UnknownMemberIdError,
    errors.IllegalGenerationError,
    errors.RebalanceInProgressError,
    errors.CommitFailedError,
)


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the group decided. lost: it had gone on without us, so nothing that we knew still holds.

    gained: of the partitions, those that were not ours at some time since the last look: another member may have moved
    their positions meanwhile, also where we owned them before and after.
    """

    partitions: frozenset[TopicPartition]
    lost: bool
    gained: frozenset[TopicPartition] = frozenset()


class LastingJoin:
    """A join attempt as the library's coordinator is to see it: never done, until it has been awaited.

    A coordinator that finds an attempt done at the beginning of a poll throws it away and joins once more, which
    makes all members join once more, and so on: with several members that are slow to poll it may go on for long.
    """

    is_done: Final = False

    def __init__(self, attempt: Any) -> None:
        self.add_callback: Final = attempt.add_callback
        self.add_errback: Final = attempt.add_errback


class RebalanceListener(kafka.ConsumerRebalanceListener):  # type: ignore[misc]  # the library asks for its subclass
    """Notes what the group decides, on the consumer's network thread, while the calling thread waits in poll.

    New partitions are held at once: they are read only when their committed positions are known.
    """

    def __init__(self, consumer: kafka.KafkaConsumer) -> None:
        self._consumer = consumer
        self._held: frozenset[TopicPartition] = frozenset()
        self._gained: frozenset[TopicPartition] = frozenset()
        self._lost = False
        self.change: Ownership | None = None
        self.member: Member | None = None

    def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """A rebalance begins; what it takes away is known when it ends."""

    def on_partitions_lost(self, lost: Collection[Any]) -> None:
        """The group went on without this member."""
        del lost
        self._lost = True
        self._held = frozenset()
        self.member = None
        self.change = Ownership(frozenset(), lost=True)

    def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """Hold what is new, and remember as which member it is owned."""
        owned = frozenset(TopicPartition(*at) for at in assigned)
        for at in owned - self._held:
            self._consumer.seek(kafka.TopicPartition(*at), 0)
            self._consumer.pause(kafka.TopicPartition(*at))
        self._gained = (self._gained | owned - self._held) & owned
        metadata = self._consumer.group_metadata()
        self.member = Member(metadata.generation_id, metadata.member_id, metadata.group_instance_id)
        self.change = Ownership(owned, self._lost, self._gained)
        self._held, self._lost = owned, False

    def take_change(self) -> Ownership | None:
        """What was decided since the last call."""
        change, self.change = self.change, None
        self._gained = frozenset()
        return change


class Membership:
    """A static member of a group, subscribed to the topics of a session."""

    def __init__(self, address: Address, spec: SessionSpec) -> None:
        """Start joining. Raises LogUnavailable, IncompatibleClient."""
        self._address = address
        self._consumer = make_consumer(address, spec)
        self._listener = RebalanceListener(self._consumer)
        self._gate = JoinGate(self._consumer._coordinator)  # noqa: SLF001 - checked by selfcheck
        self._consumer.subscribe(topics=list(spec.topics), listener=self._listener)
        self._flowing: frozenset[TopicPartition] = frozenset()

    @property
    def member(self) -> Member | None:
        """The member as which the present partitions are owned; None while none are."""
        return self._listener.member

    @property
    def is_forgotten(self) -> bool:
        """The group does not know this member any more; it joins again when it is told to."""
        return not self._gate.is_open

    def readmit(self) -> None:
        """Join again: the session is still the one that has the slot."""
        self._gate.is_open = True

    def poll(self, timeout_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
        """Take part in the group, and hand out the batches of partitions that flow.

        Raises Fenced, OutOfRange, CorruptBatch, LogUnavailable (for what does not pass by itself).
        """
        self._keep_join()
        try:
            polled = self._consumer.poll(timeout_ms=timeout_s * 1000)
        except errors.FencedInstanceIdError as error:
            raise self._fenced() from error
        except errors.OffsetOutOfRangeError as error:
            raise OutOfRange(*next((TopicPartition(*at), offset) for at, offset in error.args[0].items())) from error
        except errors.LogTruncationError as error:
            raise LogError(
                f"The log was truncated below the committed position: {error.divergent_offsets}. A broker lost "
                "acknowledged records (unclean leader election). Restore the positions with "
                "`understudy positions restore`."
            ) from error
        except (errors.RetriableError, *REJOINS):
            return {}
        except ValueError:
            if not self._has_forgotten_its_generation():
                raise
            self.rejoin()
            return {}
        except errors.KafkaError as error:
            raise refused(error, "to serve this group") from error
        if self._is_fenced():
            raise self._fenced()
        return {TopicPartition(*at): batches for at, batches in polled.items()}

    def _keep_join(self) -> None:
        """See `LastingJoin`. And a join that is under way stays wanted until it has been awaited.

        The library forgets a leader's join that began because a topic grew, once it has seen the growth; the member
        would then send no heartbeats and join no more.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - checked by selfcheck
        if coordinator.rebalance_in_progress():
            coordinator.request_rejoin()
        attempt = coordinator._join_task  # noqa: SLF001 - likewise
        if attempt is not None and not isinstance(attempt, LastingJoin):
            coordinator._join_task = LastingJoin(attempt)  # noqa: SLF001 - likewise

    def _has_forgotten_its_generation(self) -> bool:
        """The library cannot take what a join brought when a late heartbeat has made it forget the generation."""
        return self._consumer._coordinator._generation.protocol is None  # noqa: SLF001 - checked by selfcheck

    def _is_fenced(self) -> bool:
        """The library stops heartbeats without a word when another instance has joined under this one's id."""
        coordinator = self._consumer._coordinator  # noqa: SLF001 - checked by selfcheck
        return bool(coordinator.stable() and not coordinator._heartbeat_enabled and not coordinator.rejoining)  # noqa: SLF001

    def _fenced(self) -> Fenced:
        slot = self._consumer.config["group_instance_id"]
        return Fenced(f"Another instance joined the group as {slot}, and this one must exit. One slot, one instance.")

    def take_change(self) -> Ownership | None:
        """What the group decided since the last call."""
        change = self._listener.take_change()
        if change is not None:
            self._flowing = frozenset() if change.lost else self._flowing & change.partitions - change.gained
        return change

    def place(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read these partitions from these offsets on."""
        for at, offset in offsets.items():
            self._consumer.seek(kafka.TopicPartition(*at), offset)

    def reached(self, at: TopicPartition) -> int:
        """The offset to be read next: behind what was handed out, and behind what follows and is not visible.

        0 where the library does not know it.
        """
        state = self._consumer._subscription.assignment.get(kafka.TopicPartition(*at))  # noqa: SLF001 - checked by selfcheck
        return 0 if state is None or state.position is None else int(state.position.offset)

    def let_flow(self, partitions: Collection[TopicPartition]) -> None:
        """Read these owned partitions, and no others."""
        wanted = frozenset(partitions)
        for at in wanted - self._flowing:
            self._consumer.resume(kafka.TopicPartition(*at))
        for at in self._flowing - wanted:
            self._consumer.pause(kafka.TopicPartition(*at))
        self._flowing = wanted

    def rejoin(self) -> None:
        """Join anew: the group does not know this member, or its generation, any more.

        A join that is under way does just that; to forget the generation then would be to forget the one it brings.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - checked by selfcheck
        if coordinator._join_task is None:  # noqa: SLF001 - likewise
            coordinator.reset_generation()

    def request_rebalance(self) -> None:
        """Join again as the same member; a leader that does so makes the group share its partitions anew."""
        self._consumer._cluster.request_update()  # noqa: SLF001 - checked by selfcheck
        self._consumer._coordinator.request_rejoin()  # noqa: SLF001 - checked by selfcheck

    def knows(self, topics: Iterable[str]) -> bool:
        """Whether the consumer knows the topics' partitions; a leader that joined before would assign none."""
        cluster = self._consumer._cluster  # noqa: SLF001 - checked by selfcheck
        return all(cluster.partitions_for_topic(topic) is not None for topic in topics)

    def doubts(self, topic_ids: Mapping[str, str]) -> bool:
        """Whether a fetch met with an error, or a topic's id is not the one that was known."""
        cluster = self._consumer._cluster  # noqa: SLF001 - checked by selfcheck
        return bool(cluster.need_update) or any(
            str(cluster.topic_id(name)) != known for name, known in topic_ids.items()
        )

    def close(self, timeout_s: float) -> None:
        """Stop heartbeats and reading. A static member stays in the group until its session times out."""
        self._consumer.close(autocommit=False, timeout_ms=timeout_s * 1000)


def make_consumer(address: Address, spec: SessionSpec) -> kafka.KafkaConsumer:
    """A consumer that yields whole batches. Raises LogUnavailable, IncompatibleClient."""
    check_slot(spec.slot)
    try:
        consumer = kafka.KafkaConsumer(
            bootstrap_servers=address.servers(),
            client_id=address.client_id,
            bootstrap_timeout_ms=int(address.connect_timeout_s * 1000),
            group_id=spec.group,
            group_instance_id=spec.slot,
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=int(spec.session_timeout_s * 1000),
            heartbeat_interval_ms=int(min(HEARTBEAT_S, spec.session_timeout_s / 5) * 1000),
            max_poll_interval_ms=int(MAX_POLL_INTERVAL_S * 1000),
            metadata_max_age_ms=int(spec.metadata_age_s * 1000),
            auto_offset_reset="none",
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=spec.poll_bytes,
            fetch_min_bytes=spec.min_bytes,
            fetch_max_wait_ms=int((FETCH_WAIT_S if spec.min_bytes <= 1 else GATHER_WAIT_S) * 1000),
            max_poll_records=1 << 31,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
            **address.security,
        )
    except errors.KafkaError as error:
        raise unavailable(address, error) from error
    check_attributes(consumer, CONSUMER_ATTRIBUTES)
    check_attributes(consumer._coordinator, COORDINATOR_ATTRIBUTES)  # noqa: SLF001 - just checked
    consumer._fetcher.PartitionRecords = WholeBatches  # noqa: SLF001 - the seam
    return consumer


def check_slot(slot: str) -> None:
    """Raise LogError for a slot that Kafka does not take as group.instance.id."""
    if not SLOT_PATTERN.fullmatch(slot) or slot in {".", ".."}:
        raise LogError(
            f"The slot {slot!r} is no valid name: 1 to 249 letters, digits, dots, underscores and hyphens are."
        )


def served(owned: Iterable[TopicPartition], topics: Sequence[str]) -> frozenset[TopicPartition]:
    """Of the owned partitions, those whose number is owned in every topic of the subscription."""
    partitions = frozenset(owned)
    return frozenset(
        at for at in partitions if all(TopicPartition(topic, at.partition) in partitions for topic in topics)
    )
