"""The compose file's services as users start them, and what can happen to their containers."""

from __future__ import annotations

import json
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from support.endpoint import until
from testcontainers.compose import DockerCompose

from understudy.app.brokers.local import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

ROOT: Final = Path(__file__).parents[2]
ENDPOINT: Final = "flights"
BROKER: Final = "broker"
LONGEST_TIME_OUT_S: Final = 15.0
"""Beyond a session's and a transaction's time-out, and the broker's sweep."""


def docker(*arguments: str) -> str:
    """Run one docker command; what it prints."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@dataclass
class Stack:
    """What runs. project: its name, which containers, network and volumes have; bootstrap: as the host sees it."""

    compose: DockerCompose
    project: str
    bootstrap: str

    def container(self, service: str) -> str:
        """The id of a service's container."""
        found = self.compose.get_container(service, include_all=True).ID
        assert found is not None
        return found

    def understudy(self, *arguments: str) -> str:
        """Run a command inside, as somebody would who has nothing but Docker."""
        out, _, _ = self.compose.exec_in_container(["understudy", *arguments], "router")
        return out

    def status(self) -> dict[str, Any]:
        """`understudy status --json`."""
        answer: dict[str, Any] = json.loads(self.understudy("status", "--json"))
        return answer

    def members(self, role: str) -> int:
        """How many instances of a role the broker counts: routers, comparators, or production's workers."""
        name = f"{ENDPOINT}.worker.flights.v1" if role == "worker" else f"{ENDPOINT}.{role}"
        return len(self._admin.describe_consumer_groups([name])[name].result(timeout=10).members)

    def input_records(self) -> int:
        """How many events were sent."""
        topic = f"{ENDPOINT}.input"
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "counter"})
        partitions = consumer.list_topics(topic, timeout=10).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=10)[1] for each in partitions]
        consumer.close()
        return sum(ends)

    @cached_property
    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.bootstrap})


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """Build the image, start the compose file's services and wait until they are healthy. folder: for settings."""
    port = free_port()
    project = f"understudy-test-{port}"
    settings = folder / "compose.env"
    settings.write_text(f"COMPOSE_PROJECT_NAME={project}\nKAFKA_PORT={port}\n")
    compose = DockerCompose(ROOT, build=True, env_file=str(settings))
    try:
        _start(compose)
        yield Stack(compose, project, f"localhost:{port}")
    finally:
        compose.stop()


def _start(compose: DockerCompose) -> None:
    try:
        compose.start()
    except subprocess.CalledProcessError as error:
        raise AssertionError(error.stderr.decode()[-3_000:] + "".join(compose.get_logs())[-10_000:]) from error


@contextmanager
def stopped(stack: Stack, service: str) -> Iterator[None]:
    """SIGTERM, and later a start."""
    container = stack.container(service)
    docker("stop", "-t", "30", container)
    assert docker("inspect", "--format={{.State.ExitCode}}", container) in CLEAN_EXITS[service == BROKER]
    yield
    docker("start", container)


CLEAN_EXITS: Final = {False: ("0",), True: ("143",)}
"""A JVM that SIGTERM ends says so."""


@contextmanager
def killed(stack: Stack, service: str) -> Iterator[None]:
    """kill -9 of everything in the container, and later a start."""
    container = stack.container(service)
    docker("kill", "--signal=KILL", container)
    yield
    docker("start", container)


@contextmanager
def paused(stack: Stack, service: str) -> Iterator[None]:
    """Frozen until it is given up, and later thawed."""
    container = stack.container(service)
    docker("pause", container)
    _given_up(stack, service)
    yield
    docker("unpause", container)


@contextmanager
def cut_off(stack: Stack, service: str) -> Iterator[None]:
    """Without a network until it is given up, and later connected again."""
    network, container = f"{stack.project}_default", stack.container(service)
    docker("network", "disconnect", network, container)
    _given_up(stack, service)
    yield
    docker("network", "connect", f"--alias={service}", network, container)


FAULTS: Final[dict[str, Callable[[Stack, str], AbstractContextManager[None]]]] = {
    "stopped": stopped,
    "killed": killed,
    "paused": paused,
    "cut off": cut_off,
}


def _given_up(stack: Stack, service: str) -> None:
    """Wait until the time-outs have passed: the group has put an instance out; a broker itself shows nothing."""
    if service == BROKER:
        began = time.monotonic()
        until(lambda: time.monotonic() > began + LONGEST_TIME_OUT_S, 2 * LONGEST_TIME_OUT_S, "the time passes")
    else:
        until(lambda: stack.members(service) == 0, 60, f"the group puts the {service} out")
