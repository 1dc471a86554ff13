"""A local Kafka broker: one KRaft node on the JVM, from the artifacts on Maven Central, for development and tests.

Everything belongs to a folder: its data, its ports, its log and its process. Two folders are two brokers.
"""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from understudy.app.brokers.jars import KAFKA_VERSION, BrokerError, fetch_jars, find_java, locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

HOST: Final = "127.0.0.1"
START_ATTEMPTS: Final = 3
ANSWER_POLL_S: Final = 0.05
EXEC_PATIENCE_S: Final = 2.0
API_VERSIONS_REQUEST: Final = struct.pack(">ihhih", 10, 18, 0, 0, -1)
"""Size, ApiVersions, version 0, correlation 0, no client id: the smallest question that a broker answers."""

Jit = Literal["quick", "full"]
JIT_FLAGS: Final[Mapping[Jit, tuple[str, ...]]] = {"quick": ("-XX:TieredStopAtLevel=1",), "full": ()}
"""quick halves the CPU that a start costs; full is for benchmarks."""

BROKER_PROPERTIES: Final[Mapping[str, str]] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # What a dead writer left open is aborted within its time-out and this. Not sooner: a single node that was killed
    # takes its partitions for deleted until its former self has lapsed (below); what it aborts then gets no marker,
    # and the next commit of that writer makes the aborted records visible.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "6000",
    # Events of the past are replayed here; the default would delete them minutes after they were written.
    "log.retention.ms": "-1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    # A broker that was killed comes back when its former self has lapsed (9 s by default).
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    "log.cleaner.dedupe.buffer.size": "8388608",
    "log.cleaner.io.buffer.size": "65536",
    "log.cleaner.backoff.ms": "1000",
}

LOG4J_CONFIGURATION: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn">
  <Appenders>
    <Console name="out"><PatternLayout pattern="%d{ISO8601} %p %c{1}: %m%n"/></Console>
  </Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """A running broker. bootstrap: host:port for clients. folder: its data, configuration and log."""

    bootstrap: str
    pid: int
    folder: Path
    version: str = KAFKA_VERSION


@dataclass(frozen=True, slots=True)
class BrokerFolder:
    """Where the files of one broker are."""

    path: Path

    @property
    def data(self) -> Path:
        return self.path / "data"

    @property
    def properties(self) -> Path:
        return self.path / "server.properties"

    @property
    def log(self) -> Path:
        return self.path / "broker.log"

    @property
    def pid(self) -> Path:
        return self.path / "broker.pid"

    @property
    def bootstrap(self) -> Path:
        return self.path / "bootstrap"

    @property
    def log4j(self) -> Path:
        return self.path / "log4j2.xml"


def default_folder() -> Path:
    """The broker's folder when none is named: `understudy/broker` in the user's state folder."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "understudy" / "broker"


def start(
    folder: Path | None = None,
    *,
    port: int | None = None,
    jit: Jit = "quick",
    heap_mib: int = 512,
    properties: Mapping[str, str] | None = None,
    features: Mapping[str, int] | None = None,
    timeout_s: float = 60.0,
) -> BrokerInfo:
    """Start the folder's broker, or find it running, and wait until it answers.

    port: to listen on, if it is free and the folder had no other before. properties: override server.properties.
    features: feature levels, set when the folder is made (`{"transaction.version": 1}`). Raises BrokerError.
    """
    place = BrokerFolder((folder or default_folder()).absolute())
    try:
        place.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BrokerError(f"The broker's folder {place.path} cannot be made: {error.strerror}") from error
    with locked(place.path / "lock"):
        running = status(place.path)
        if running is not None:
            wait_for(place, running.bootstrap, running.pid, timeout_s)
            return running
        java, libs = find_java(), fetch_jars()
        classpath = (java, "-cp", f"{libs}/*")
        for attempt in range(START_ATTEMPTS):
            bootstrap = configure(place, properties or {}, port if attempt == 0 else None, fresh_ports=attempt > 0)
            format_data(place, classpath, features or {})
            pid = spawn(place, classpath, jit, heap_mib)
            try:
                wait_for(place, bootstrap, pid, timeout_s)
            except BrokerError:
                end_process(place, pid, grace_s=0.0)
                if attempt + 1 < START_ATTEMPTS and "Address already in use" in place.log.read_text(errors="replace"):
                    continue
                raise
            return BrokerInfo(bootstrap, pid, place.path)
    raise BrokerError(f"No free port was found for a broker on {HOST}; see {place.log}")


def stop(folder: Path | None = None, *, grace_s: float = 15.0) -> bool:
    """Stop the folder's broker; False when none runs.

    grace_s: how long it may take to shut down in an orderly way before it is killed; 0 kills at once.
    """
    place = BrokerFolder((folder or default_folder()).absolute())
    running = status(place.path)
    if running is None:
        return False
    end_process(place, running.pid, grace_s)
    return True


def status(folder: Path | None = None) -> BrokerInfo | None:
    """The folder's broker when it runs, else None."""
    place = BrokerFolder((folder or default_folder()).absolute())
    try:
        pid = int(place.pid.read_text())
        bootstrap = place.bootstrap.read_text()
    except (FileNotFoundError, ValueError):
        return None
    return BrokerInfo(bootstrap, pid, place.path) if is_ours(place, pid) else None


@contextlib.contextmanager
def running_broker(
    folder: Path | None = None,
    *,
    jit: Jit = "quick",
    properties: Mapping[str, str] | None = None,
    features: Mapping[str, int] | None = None,
) -> Iterator[BrokerInfo]:
    """A broker for the length of a block. Without a folder its data goes to a temporary one and is removed."""
    place = Path(tempfile.mkdtemp(prefix="understudy-broker-")) if folder is None else folder
    try:
        yield start(place, jit=jit, properties=properties, features=features)
    finally:
        stop(place, grace_s=0.0 if folder is None else 15.0)
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def configure(place: BrokerFolder, overrides: Mapping[str, str], port: int | None, *, fresh_ports: bool) -> str:
    """Write the broker's configuration and return its bootstrap address; the ports of an earlier run are kept."""
    ports = None if fresh_ports else earlier_ports(place)
    wished = port if port is not None and is_free(port) else free_port()
    broker_port, controller_port = ports or (wished, free_port())
    bootstrap = f"{HOST}:{broker_port}"
    values = {
        **BROKER_PROPERTIES,
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{bootstrap},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{bootstrap}",
        "log.dirs": str(place.data),
        **overrides,
    }
    place.properties.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    place.log4j.write_text(LOG4J_CONFIGURATION)
    place.bootstrap.write_text(bootstrap)
    return bootstrap


def earlier_ports(place: BrokerFolder) -> tuple[int, int] | None:
    """Broker and controller port of the folder's last run, if both are free again."""
    if not place.properties.exists():
        return None
    values = dict(line.split("=", 1) for line in place.properties.read_text().splitlines() if "=" in line)
    broker, controller = (int(part.rsplit(":", 1)[1]) for part in values["listeners"].split(",")[:2])
    return (broker, controller) if is_free(broker) and is_free(controller) else None


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return True
    return False


def format_data(place: BrokerFolder, classpath: tuple[str, ...], features: Mapping[str, int]) -> None:
    """Give the data folder its identity, once."""
    if (place.data / "meta.properties").exists():
        return
    levels = [argument for name, level in features.items() for argument in ("--feature", f"{name}={level}")]
    # A leading dash would read as an option, so the id is given as --cluster-id=...
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    command = (
        *classpath,
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "kafka.tools.StorageTool",
        "format",
        f"--cluster-id={cluster_id}",
        "-c",
        str(place.properties),
        *levels,
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - own command line
    if done.returncode != 0:
        raise BrokerError(
            f"The data folder {place.data} could not be prepared: {(done.stdout + done.stderr).strip()[:800]}"
        )


def spawn(place: BrokerFolder, classpath: tuple[str, ...], jit: Jit, heap_mib: int) -> int:
    """Start the broker's process, detached, and note its pid."""
    java, *options = classpath
    command = (
        java,
        *options,
        f"-Xmx{heap_mib}m",
        "-XX:+UseSerialGC",
        *JIT_FLAGS[jit],
        f"-Dlog4j2.configurationFile={place.log4j}",
        "kafka.Kafka",
        str(place.properties),
    )
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(
        java,
        command,
        os.environ,
        file_actions=(
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(place.log), write, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ),
        setsid=True,
    )
    place.pid.write_text(str(pid))
    # The kernel answers with an empty command line for a moment after exec; that must not read as "ended".
    wait_until(lambda: is_ours(place, pid), EXEC_PATIENCE_S)
    return pid


def wait_for(place: BrokerFolder, bootstrap: str, pid: int, timeout_s: float) -> None:
    """Wait until the broker answers. Raises BrokerError when it ends or takes too long."""
    late = not wait_until(lambda: answers(bootstrap) or not is_ours(place, pid), timeout_s)
    if late or not is_ours(place, pid):
        what = f"did not answer on {bootstrap} within {timeout_s:g} s" if late else "ended while it started"
        tail = place.log.read_text(errors="replace")[-1500:].strip() if place.log.exists() else ""
        raise BrokerError(f"The broker {what}. Its log is {place.log}; the end of it: {tail}")


def answers(bootstrap: str) -> bool:
    """Whether a broker serves requests at host:port."""
    host, port = bootstrap.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=2.0) as connection:
            connection.sendall(API_VERSIONS_REQUEST)
            return len(connection.recv(10)) > 0
    except OSError:
        return False


def end_process(place: BrokerFolder, pid: int, grace_s: float) -> None:
    """End the broker's process: in an orderly way within `grace_s`, else by force. Waits until it is gone."""
    for sign, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        if patience_s <= 0 or not is_ours(place, pid):
            continue
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        wait_until(lambda: not is_running(pid), patience_s)
    place.pid.unlink(missing_ok=True)


def is_ours(place: BrokerFolder, pid: int) -> bool:
    """Whether the process is this folder's broker: its command line names the folder's configuration."""
    return is_running(pid) and str(place.properties) in command_line(pid)


def is_running(pid: int) -> bool:
    """Whether the process exists and still holds its files and ports (a zombie does not)."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0  # reaps a child of ours that ended
    process = Path(f"/proc/{pid}")
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
        return state not in "ZX" or len(list((process / "task").iterdir())) > 1
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty when there is none."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        except (FileNotFoundError, ProcessLookupError):
            return []
    command = ("ps", "-ww", "-o", "command=", "-p", str(pid))
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - own command line
    return listed.stdout.split()


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(ANSWER_POLL_S)
    return True
