"""A session on Kafka: group membership, positions with notes, and transactions, moved by the table of its states."""

from __future__ import annotations

import contextlib
import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, Self

from kafka import errors

from understudy.core.log.contract import EMPTY, Polled, Position, TopicPartition, no_probe
from understudy.core.log.errors import (
    HOW_TO_MAKE_IT,
    WAYS_ON,
    Fenced,
    LogError,
    MissingPosition,
    TopicRecreated,
    UnknownTopic,
)
from understudy.core.log.kafka import session_states
from understudy.core.log.kafka.client import BACKOFF_S, RETRIABLE, refused
from understudy.core.log.kafka.fetch import OutOfRange, cut, read_between
from understudy.core.log.kafka.group import served
from understudy.core.log.kafka.groups import describe_group, remove_member
from understudy.core.log.kafka.lost_markers import LostMarkers
from understudy.core.log.kafka.offsets import held_range, position_expired
from understudy.core.log.kafka.positions import check_notes, committed_positions
from understudy.core.log.kafka.producer import TransactionLost
from understudy.core.log.kafka.progress import Progress
from understudy.core.log.kafka.transaction_requests import Moved

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from understudy.core.batches import Batch
    from understudy.core.log.contract import Output, Phase, SessionSpec
    from understudy.core.log.kafka.client import Client
    from understudy.core.log.kafka.group import Membership, Ownership
    from understudy.core.log.kafka.producer import Producer
    from understudy.core.log.kafka.session_states import Event, State

log = logging.getLogger(__name__)

SLICE_S: Final = 0.1
"""The longest wait for records in one go: a rebalance is looked at in between."""
JOIN_SLICE_S: Final = 0.02
METADATA_SLICE_S: Final = 0.002
TOPICS_CHECK_S: Final = 1.0
RECORDS_CHECK_S: Final = 0.05
"""How old the last look at the topics may be: at any time, and before records are handed out, lest those of a topic
that was made again are taken for the old one's."""
QUIET_S: Final = 1.0
"""After so long without a commit, positions are moved over what is not visible, if there is some."""
CLOSE_PATIENCE_S: Final = 5.0
REREAD_PATIENCE_S: Final = 10.0


@dataclass(slots=True)
class News:
    """What the next `Polled` has to say about ownership."""

    assigned: dict[TopicPartition, Position] = field(default_factory=dict)
    revoked: set[TopicPartition] = field(default_factory=set)


class KafkaSession:
    """See `contract.Session`. Not for use by more than one thread."""

    def __init__(self, spec: SessionSpec, client: Client, membership: Membership, producer: Producer) -> None:
        self._spec = spec
        self._client = client
        self._membership = membership
        self._producer = producer
        self._state: State = "starting"
        self._owned: frozenset[TopicPartition] = frozenset()
        self._served: frozenset[TopicPartition] = frozenset()
        self._stale: frozenset[TopicPartition] = frozenset()
        self._progress = Progress()
        self._lost_markers = LostMarkers(producer, spec.group)
        self._topic_ids: dict[str, str] = {}
        self._first_seen: dict[str, int] = {}
        self._looked_at = self._cover_at = self._moved_at = 0.0
        self._news = News()

    # Polling

    def poll(
        self,
        timeout_s: float,
        paused: Collection[TopicPartition] = (),
        reread: Mapping[TopicPartition, int] = EMPTY,
    ) -> Polled:
        """See `contract.Session.poll`."""
        self._check_open()
        deadline = time.monotonic() + timeout_s
        try:
            again = self._reread(reread) if reread else {}
            batches = self._gather(deadline, frozenset(paused), at_once=bool(again))
            if not (batches or again):
                self._move_over_what_is_not_visible()
        except Fenced:
            self._move("fenced")
            raise
        except errors.KafkaError as error:
            raise refused(error, f"the session of group {self._spec.group}") from error
        news, self._news = self._news, News()
        self._spec.probe("polled")
        return Polled(batches, news.assigned, frozenset(news.revoked), again)

    def _gather(
        self, deadline: float, paused: frozenset[TopicPartition], *, at_once: bool
    ) -> dict[TopicPartition, Sequence[Batch]]:
        """Batches, when there are some or the time is over; takes part in the group meanwhile."""
        while True:
            if self._take_id(deadline):
                batches = self._take_part(deadline, paused, at_once=at_once)
                if batches or self._news.assigned or self._news.revoked:
                    return batches
            if at_once or time.monotonic() >= deadline:
                return {}

    def _take_id(self, deadline: float) -> bool:
        """Whether the transactional id is ours and clean; takes it where it is not yet, or not any more."""
        if self._state not in {"starting", "recovering"}:
            return True
        forgotten = self._membership.is_forgotten
        try:
            self._check_topics()
            self._producer.initialise(deadline)
        except RETRIABLE as error:
            log.debug("the transactional id is not ready: %s", error)
            self._client.pump(BACKOFF_S)
            return False
        if forgotten:
            self._membership.readmit()
        self._move("id_taken")
        return True

    def _take_part(
        self, deadline: float, paused: frozenset[TopicPartition], *, at_once: bool
    ) -> dict[TopicPartition, Sequence[Batch]]:
        """One round: records, what the group decided, and the positions of what it gave."""
        if self._membership.is_forgotten:
            self._move("forgotten")
            return {}
        if not self._membership.knows(self._spec.topics):
            self._client.pump(METADATA_SLICE_S)
            return {}
        self._membership.let_flow(self._served - self._stale - paused)
        wait_s = 0.0 if at_once else max(0.0, min(self._slice_s(), deadline - time.monotonic()))
        polled = self._poll_members(wait_s)
        change = self._membership.take_change()
        if change is not None:
            self._apply(change)
        self._look_around(RECORDS_CHECK_S if polled else TOPICS_CHECK_S)
        if self._state == "positioning":
            self._read_positions()
        batches = {at: found for at, found in polled.items() if at in self._served and at not in self._stale}
        self._progress.hand_out(batches)
        return batches

    def _slice_s(self) -> float:
        return SLICE_S if self._state == "serving" else JOIN_SLICE_S

    def _poll_members(self, wait_s: float) -> Mapping[TopicPartition, Sequence[Batch]]:
        try:
            return self._membership.poll(wait_s)
        except OutOfRange as error:
            raise self._expired(error) from error

    def _expired(self, error: OutOfRange) -> LogError:
        held = self._client.retry(lambda: held_range(self._client, error.at), time.monotonic() + SLICE_S)
        return position_expired(self._spec.group, error.at, error.offset, held)

    # Ownership and positions

    def _apply(self, change: Ownership) -> None:
        """Take over what the group decided."""
        now = served(change.partitions, self._spec.topics)
        kept = frozenset() if change.lost else self._served & now - change.gained
        self._news.revoked |= self._served - now
        for at in self._served - kept:
            self._news.assigned.pop(at, None)
            self._progress.forget(at)
        self._owned, self._served = change.partitions, now
        self._stale = (self._stale & kept) | (now - kept)
        if change.lost:
            self._move("membership_lost")
        if self._membership.member is not None:
            self._move("assigned")

    def _read_positions(self) -> None:
        """Read the committed positions of what is newly owned or stale, and go on from them."""
        try:
            known = committed_positions(self._client, self._spec.group) if self._stale else {}
        except RETRIABLE as error:
            self._client.forget()
            log.debug("positions cannot be read yet: %s", error)
            if isinstance(error, errors.UnstableOffsetCommitError):
                self._end_what_was_lost()
            return
        self._lost_markers.positions_are_stable()
        found = {at: self._start_of(at, known) for at in self._stale}
        self._membership.place({at: position.offset for at, position in found.items()})
        self._progress.begin(found)
        self._news.assigned.update(found)
        self._stale = frozenset()
        self._move("positions_read")

    def _end_what_was_lost(self) -> None:
        try:
            self._lost_markers.positions_are_unstable()
        except TransactionLost as error:
            self._lose(str(error))

    def _start_of(self, at: TopicPartition, known: Mapping[TopicPartition, Position]) -> Position:
        """The committed position; 0 where the topic grew.

        Then only partitions below this one have positions, or this session has seen the topic without it: another
        member may have begun with a higher one by now.
        """
        position = known.get(at)
        if position is not None:
            return position
        others = [other.partition for other in known if other.topic == at.topic]
        if others and (at.partition > max(others) or at.partition >= self._first_seen[at.topic]):
            return Position(0)
        raise MissingPosition(
            f"Group {self._spec.group} has no committed position in {at}, so where it starts is not known. Set it "
            "with `understudy topics`, or, when it was lost, with `understudy positions restore`."
        )

    # Topics

    def _check_topics(self) -> frozenset[TopicPartition]:
        """All partitions of the subscription. Raises UnknownTopic, TopicRecreated, KafkaError."""
        found = self._client.topics(self._spec.topics)
        for topic in self._spec.topics:
            if topic not in found:
                raise UnknownTopic(f"Topic {topic} does not exist. {HOW_TO_MAKE_IT}")
            known = self._topic_ids.setdefault(topic, found[topic].topic_id)
            self._first_seen.setdefault(topic, len(found[topic].leaders))
            if known != found[topic].topic_id:
                raise TopicRecreated(f"Topic {topic} was deleted and made again. {WAYS_ON}")
        return frozenset(TopicPartition(name, index) for name, topic in found.items() for index in topic.leaders)

    def _look_around(self, age_s: float) -> None:
        """After `age_s`, and whenever the consumer had trouble: see whether the topics are there and the same."""
        if not self._membership.doubts(self._topic_ids) and time.monotonic() < self._looked_at + age_s:
            return
        try:
            everything = self._check_topics()
            self._looked_at = time.monotonic()
            if self._state == "serving" and time.monotonic() >= self._cover_at:
                self._check_coverage(everything)
                self._cover_at = time.monotonic() + self._spec.metadata_age_s
        except RETRIABLE as error:
            log.debug("topics or group cannot be described now: %s", error)
            self._client.forget()

    def _check_coverage(self, everything: frozenset[TopicPartition]) -> None:
        """Ask for a rebalance when a partition has no owner.

        The group's leader watches for growth, but a leader that restarted under its slot does not know that it is
        the leader, and was given partitions by what was known before.
        """
        group = describe_group(self._client, self._spec.group)
        if group.is_stable and group.members and everything - group.assigned():
            log.info("partitions without an owner in %s: joining anew", self._spec.group)
            self._membership.request_rebalance()

    # Reading again

    def _reread(self, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, Sequence[Batch]]:
        """Batches behind the position, from the offsets named up to it; retention may have left less."""
        read_to = self._progress.next
        spans = {at: (offset, read_to[at]) for at, offset in wanted.items() if at in read_to}
        deadline = time.monotonic() + REREAD_PATIENCE_S
        while True:
            try:
                found = read_between(self._client, spans, self._spec.poll_bytes, deadline)
            except OutOfRange as error:
                spans[error.at] = self._what_is_left(error, spans[error.at])
            else:
                return {at: cut(batches, spans[at][1]) for at, batches in found.items()}

    def _what_is_left(self, error: OutOfRange, span: tuple[int, int]) -> tuple[int, int]:
        first, _ = self._client.retry(lambda: held_range(self._client, error.at), time.monotonic() + SLICE_S)
        if first <= span[0]:
            raise self._expired(error) from error
        return first, span[1]

    # Committing

    def commit(self, outputs: Iterable[Output], positions: Mapping[TopicPartition, Position] | None = None) -> bool:
        """See `contract.Session.commit`. An output topic that does not exist raises OutputMissing."""
        self._check_open()
        appended = tuple(outputs)
        moved = self._progress.polled() if positions is None else positions
        if not appended and not moved:
            return True
        return self._commit(appended, moved, self._spec.probe)

    def _move_over_what_is_not_visible(self) -> None:
        """Markers come behind their records, also when these are committed already: store that they were passed."""
        if self._state == "serving" and time.monotonic() >= self._moved_at + QUIET_S:
            self._moved_at = time.monotonic()
            if self._progress.to_store({}, self._membership.reached):
                self._commit((), {}, no_probe)

    def _commit(
        self, appended: Sequence[Output], moved: Mapping[TopicPartition, Position], probe: Callable[[Phase], None]
    ) -> bool:
        member = self._membership.member
        if self._state != "serving" or member is None or not moved.keys() <= self._served:
            self._lose("what was to be committed is not owned any more")
            return False
        self._move("began")
        stored = self._progress.to_store(moved, self._membership.reached)
        try:
            check_notes(moved)
            self._producer.commit(appended, Moved(self._spec.group, member, stored) if stored else None, probe)
        except TransactionLost as error:
            self._rejoin_if_unknown(error)
            self._lose(str(error))
            return False
        except Fenced:
            self._move("fenced")
            raise
        except LogError as error:
            self._lose(str(error))
            raise
        self._progress.commit(moved, stored)
        self._moved_at = time.monotonic()
        self._move("committed")
        return True

    def _lose(self, reason: str) -> None:
        """Forget what was handed out: the next poll reads the positions again."""
        log.warning("A transaction of %s was lost and will be repeated: %s", self._spec.slot, reason)
        self._stale = self._served
        self._membership.let_flow(())
        self._move("lost")

    def _rejoin_if_unknown(self, error: TransactionLost) -> None:
        """Do not wait for a heartbeat to learn that the group has no such member."""
        if isinstance(error.__cause__, errors.UnknownMemberIdError | errors.IllegalGenerationError):
            self._membership.rejoin()

    # Life

    def _move(self, event: Event) -> None:
        self._state = session_states.after(self._state, event)

    def _check_open(self) -> None:
        if self._state == "closed":
            raise LogError("The session is closed.")
        if self._state == "fenced":
            raise Fenced(f"Another instance runs as {self._spec.slot}, and this one must exit.")

    def close(self) -> None:
        """See `contract.Session.close`."""
        state, self._state = self._state, session_states.after(self._state, "closed")
        if state == "closed":
            return
        self._membership.close(CLOSE_PATIENCE_S)
        try:
            if state in {"committing", "recovering", "joining"}:
                self._producer.initialise(time.monotonic() + CLOSE_PATIENCE_S)
            if state != "fenced":
                self._leave()
        except (errors.KafkaError, Fenced) as error:
            log.warning("%s could not leave in an orderly way: %s", self._spec.slot, error)
        finally:
            self._client.close()

    def _leave(self) -> None:
        """Leave the group, so that nobody waits for this session's time-out.

        A member whose join was not answered yet does not know its id, and leaves by its slot alone: that is its own, as
        its transactional id is.
        """
        member = self._membership.member
        leave = partial(
            remove_member, self._client, self._spec.group, self._spec.slot, "" if member is None else member.member_id
        )
        with contextlib.suppress(errors.UnknownMemberIdError):
            self._client.retry(leave, time.monotonic() + CLOSE_PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
