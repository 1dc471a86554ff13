"""A Kafka broker in a container, for the length of a block: one KRaft node of the public image apache/kafka."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.brokers.jars import KAFKA_VERSION, BrokerError
from understudy.app.brokers.local import BROKER_PROPERTIES, HOST, answers, free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

IMAGE: Final = f"apache/kafka:{KAFKA_VERSION}"
PORT: Final = 9092
INSIDE_PORT: Final = 19092
CONTROLLER_PORT: Final = 9093
DATA: Final = "/var/lib/kafka/data"
LABEL: Final = "understudy.broker"
"""Every container of ours has it, should one have been left behind: docker ps --filter label=understudy.broker."""


@dataclass(frozen=True, slots=True)
class BrokerContainer:
    """A broker that runs in a container. bootstrap: host:port for clients. container: its id."""

    bootstrap: str
    container: str
    version: str = KAFKA_VERSION


@contextlib.contextmanager
def running_broker_container(*, image: str = IMAGE, timeout_s: float = 60.0) -> Iterator[BrokerContainer]:
    """A broker for the length of a block; its data goes with it. The image is pulled where it is not there.

    timeout_s: how long it may take from its start until it answers. Raises BrokerError.
    """
    port = free_port()
    bootstrap = f"{HOST}:{port}"
    variables = [f"--env={name}={value}" for name, value in environment(bootstrap).items()]
    published = f"--publish={HOST}:{port}:{PORT}"
    container = _docker("create", f"--label={LABEL}", published, *variables, image)
    try:
        _docker("start", container)
        _wait_for(container, bootstrap, timeout_s)
        yield BrokerContainer(bootstrap, container)
    finally:
        _docker("rm", "--force", "--volumes", container)


def environment(bootstrap: str) -> Mapping[str, str]:
    """The image's variables for a broker that clients reach at host:port: all of them, none is left to a default.

    The broker speaks to itself, for transactions, and cannot reach the port that clients use.
    """
    properties = {
        **BROKER_PROPERTIES,
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
        "listeners": f"PLAINTEXT://:{PORT},INSIDE://localhost:{INSIDE_PORT},CONTROLLER://localhost:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap},INSIDE://localhost:{INSIDE_PORT}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INSIDE",
        "log.dirs": DATA,
    }
    return {
        **{f"KAFKA_{name.replace('.', '_').upper()}": value for name, value in properties.items()},
        "KAFKA_HEAP_OPTS": "-Xms256m -Xmx512m",
        "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }


def _wait_for(container: str, bootstrap: str, timeout_s: float) -> None:
    def runs() -> bool:
        return _docker("inspect", "--format={{.State.Running}}", container) == "true"

    late = not wait_until(lambda: answers(bootstrap) or not runs(), timeout_s)
    if late or not runs():
        what = f"did not answer on {bootstrap} within {timeout_s:g} s" if late else "ended while it started"
        raise BrokerError(f"The broker's container {what}. The end of its log: {_log(container)[-1500:].strip()}")


def _log(container: str) -> str:
    command = (_program(), "logs", "--tail=20", container)
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - own command line
    return done.stdout + done.stderr


def _docker(*arguments: str) -> str:
    """Run one command of docker's and return what it prints. Raises BrokerError."""
    done = subprocess.run(  # noqa: S603 - own command line
        (_program(), *arguments), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BrokerError(
            f"Docker could not {arguments[0]} the broker's container. Check that the engine runs (docker info), and "
            f"that the image can be had (docker pull {IMAGE}). Docker said: {done.stderr.strip()[-1000:]}"
        )
    return done.stdout.strip()


def _program() -> str:
    docker = shutil.which("docker")
    if docker is None:
        raise BrokerError(
            "Docker is needed for a broker in a container, and `docker` is not on the PATH. Install it, or take "
            "another broker: --broker local, --broker memory, or host:port."
        )
    return docker
