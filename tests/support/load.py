"""Users of an endpoint while it runs: one who sends events at a steady rate, and one who reads the answers."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as At
from support.observer import Rows
from support.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message

TICK_S: Final = 0.01
TRICKLE_PER_S: Final = 50
KEYS: Final = 20_000
LOOK_RECORDS: Final = 1_000
LOOK_S: Final = 0.01


class Load:
    """Sends the values and keys in turn, with the clock as their time, until it is stopped.

    brisk_to: beyond so many records it sends no more than a trickle; None: it never tires.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        values: Sequence[bytes],
        per_s: float,
        *,
        brisk_to: int | None = None,
    ) -> None:
        self.per_s = per_s
        self.brisk_to = brisk_to
        self._producer: Final = Producer(bootstrap, topic)
        self._values: Final = values
        self._keys: Final = [b"key-%d" % number for number in range(KEYS)]
        self._stop: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, daemon=True)
        self.sent = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Stop sending; how many were sent and written."""
        self._stop.set()
        self._thread.join()
        self._producer.flush()
        return self.sent

    def _run(self) -> None:
        due = 0.0
        before = time.monotonic()
        while not self._stop.is_set():
            now = time.monotonic()
            due += (now - before) * (self.per_s if self._is_brisk() else TRICKLE_PER_S)
            before = now
            self._send(int(due))
            due -= int(due)
            self._stop.wait(TICK_S)

    def _is_brisk(self) -> bool:
        return self.brisk_to is None or self.sent < self.brisk_to

    def _send(self, count: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        for number in range(self.sent, self.sent + count):
            key = self._keys[number * 7_919 % len(self._keys)]
            self._producer.send(key, self._values[number % len(self._values)], now_ms)
        self.sent += count


class Visible(NamedTuple):
    """An answer as a user gets it. Times are the clock's, in seconds; sent_s: when the event was sent.

    version: to which the event was routed. error: why there is no prediction; "" where there is one.
    """

    seen_s: float
    sent_s: float
    revision: int
    partition: int
    source_offset: int
    version: str
    error: str = ""

    @property
    def latency_s(self) -> float:
        return self.seen_s - self.sent_s


@dataclass
class Watch:
    """Reads predictions as they become visible, in a thread of its own, from the first one on.

    What it sees is taken in at once: a look that comes late would be taken for answers that come late.
    """

    bootstrap: str
    endpoint: str
    _seen: list[Visible] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": self.bootstrap,
                "group.id": "watch",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 10,
                "fetch.queue.backoff.ms": 10,
            }
        )
        topic = f"{self.endpoint}.predictions"
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([At(topic, partition, 0) for partition in partitions])
        self._rows = Rows("prediction")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    @property
    def count(self) -> int:
        """How many answers were seen."""
        return len(self._seen)

    def answers(self, last: int | None = None) -> list[Visible]:
        """All that was seen so far, or the last so many, in the order in which it was seen."""
        return self._seen[:] if last is None else self._seen[-last:]

    def _run(self) -> None:
        while not self._stop.is_set():
            messages = self._consumer.consume(LOOK_RECORDS, timeout=LOOK_S)
            now_s = time.time()
            self._seen += [self._visible(now_s, message) for message in messages]

    def _visible(self, now_s: float, message: Message) -> Visible:
        row = self._rows.decode(message.value())
        return Visible(
            now_s,
            row["event_time"].timestamp(),
            row["revision"],
            row["source_partition"],
            row["source_offset"],
            row["routed_version"],
            row["error"] or "",
        )
