"""What the end-to-end benchmarks need of a cluster: a broker, filled topics, and endpoints of ours."""

from __future__ import annotations

import secrets
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from contest import cpu_s

from understudy.app.brokers.local import running_broker
from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.topics import EndpointTopics, Sizing, topic_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from understudy.core.log.kafka import KafkaLog

UNDERSTUDY = str(Path(sys.executable).with_name("understudy"))
PARTITIONS = 8
BATCH_BYTES = 128 * 1024
KEY_BYTES = 8
RECORD_BYTES = 12
START_MS = 1_700_000_000_000
PRODUCTION = "bench:v1"
SHADOW = "bench:v2"


def new_name() -> str:
    """What the topics and groups of one run of a benchmark begin with, on a broker that may have had others."""
    return f"bench-{secrets.token_hex(3)}"


@contextmanager
def broker(bootstrap: str | None) -> Iterator[str]:
    """The broker that was named, or a local one with the JVM's normal JIT."""
    if bootstrap:
        yield bootstrap
        return
    with running_broker(jit="full") as info:
        yield info.bootstrap


def create(log: KafkaLog, topics: Iterable[str]) -> None:
    """Make topics that keep everything: a broker would soon delete records whose create times lie years back."""
    with log.admin() as admin:
        admin.create([NewTopic(topic, PARTITIONS, config={"retention.ms": "-1"}) for topic in topics])


def delete(log: KafkaLog, topics: Iterable[str]) -> None:
    """Make room for the next round."""
    with log.admin() as admin:
        admin.delete(topics)


def fill(log: KafkaLog, bootstrap: str, topic: str, values: Sequence[bytes]) -> None:
    """Make a topic and fill it as ordinary producers do: batches of 128 KB, keys of 8 bytes, no transactions."""
    create(log, [topic])
    each = BATCH_BYTES // (KEY_BYTES + len(values[0]) + RECORD_BYTES)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "batch.size": BATCH_BYTES,
            "linger.ms": 200,
            "queue.buffering.max.messages": len(values),
            "queue.buffering.max.kbytes": 2_000_000,
        }
    )
    for number, value in enumerate(values):
        partition = number // each % PARTITIONS
        producer.produce(topic, value, b"%08d" % number, partition, timestamp=START_MS + number)
        if number % each == 0:
            producer.poll(0)
    producer.flush()
    with log.admin() as admin:
        ends = admin.end_offsets([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
    if sum(ends.values()) != len(values):
        raise SystemExit(f"filling {topic} failed: it has {sum(ends.values())} of {len(values)} records")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of ours, in a folder of its own, that reads an input topic of others."""

    log: KafkaLog
    bootstrap: str
    parent: Path
    name: str
    input: str

    @property
    def folder(self) -> Path:
        return self.parent / self.name

    @property
    def topics(self) -> EndpointTopics:
        return EndpointTopics(self.name, self.input)

    def configure(self, settings: str) -> None:
        """Write the settings and make the topics."""
        self.folder.mkdir()
        head = f"endpoint = '{self.name}'\n[kafka]\nbootstrap = '{self.bootstrap}'\n"
        (self.folder / "understudy.toml").write_text(head + settings)
        subprocess.run([UNDERSTUDY, "topics"], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def deploy(self, version: str) -> None:
        """Put a registered version in production, and wait for nobody."""
        command = [UNDERSTUDY, "deploy", version, "--strategy", "basic", "--no-wait"]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)

    def cpu_s(self, role: Sequence[str], until: Callable[[], bool]) -> float:
        """CPU seconds of a role's process that is ended when `until` is true."""
        return cpu_s([UNDERSTUDY, *role, "--slot", "bench"], self.folder, until)

    def caught_up(self, group: str) -> Callable[[], bool]:
        """Whether the group has committed the end of all that its topics hold now."""
        admin = self.log.admin()
        targets = admin.end_offsets(admin.positions(group))
        # The last record may have the marker of its transaction behind it.
        return lambda: all(at.offset >= targets[where] - 1 for where, at in admin.positions(group).items())

    def joined(self, group: str) -> Callable[[], bool]:
        """Whether a member owns partitions."""
        admin = self.log.admin()
        return lambda: any(member.partitions for member in admin.members(group))

    def remove(self) -> None:
        """Delete the topics, but not the input."""
        table = topic_table(self.topics, [PRODUCTION, SHADOW], Sizing(PARTITIONS))
        delete(self.log, [topic.name for topic in table if topic.name != self.input])
