"""What the demo is played on: a log, an endpoint of its own there, and a way to run the roles."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from understudy.app.brokers.container import running_broker_container
from understudy.app.brokers.jars import KAFKA_VERSION
from understudy.app.brokers.local import running_broker
from understudy.app.demo import scenery
from understudy.app.demo.cast import Processes, Threads
from understudy.app.demo.checklist import Item
from understudy.app.logs import open_kafka
from understudy.core.log.contract import NewTopic
from understudy.core.log.errors import LogError
from understudy.core.log.memory import MemoryLog
from understudy.core.topics import CLUSTER_DEFAULT, FOR_EVER, Sizing, topic_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from understudy.app.brokers.choice import Choice
    from understudy.app.brokers.container import BrokerContainer
    from understudy.app.brokers.local import BrokerInfo
    from understudy.app.demo.cast import Cast
    from understudy.app.demo.checklist import Checklist
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

ENDPOINT: Final = "flights"
NAMES: Final = {"memory": "memory log", "local": "Apache Kafka", "docker": "Apache Kafka", "given": "Apache Kafka"}


@dataclass(frozen=True, slots=True)
class Stage:
    """A furnished folder, the log, and the roles' way to run there."""

    settings: Settings
    log: Log
    cast: Cast


def item(choice: Choice) -> Item:
    """The step of the checklist that `stage` does."""
    what = {
        "memory": "in this process, instead of Kafka",
        "local": f"{KAFKA_VERSION}, for this demo alone",
        "docker": f"{KAFKA_VERSION} in a container, for this demo alone",
        "given": f"at {choice.bootstrap}",
    }
    return Item(NAMES[choice.kind], what[choice.kind])


@contextmanager
def stage(choice: Choice, folder: Path, checklist: Checklist, say: Callable[[str], None]) -> Iterator[Stage]:
    """A log that answers, for the length of a block; at its end the roles are stopped, and a broker of ours.

    On a broker that was given, the endpoint has a name of its own, and its topics are deleted at the end: what
    others have there, another demo too, is not touched. Raises BrokerError, LogUnavailable.
    """
    with ExitStack() as stack:
        with checklist.doing(NAMES[choice.kind]) as doing:
            made = _in_memory(folder) if choice.kind == "memory" else _on_kafka(choice, folder, stack, doing, say)
        stack.callback(made.cast.stop)
        yield made


def _in_memory(folder: Path) -> Stage:
    settings, log = scenery.furnish(folder, ENDPOINT, None), MemoryLog()
    return Stage(settings, log, Threads(settings, log))


def _on_kafka(choice: Choice, folder: Path, stack: ExitStack, doing: Item, say: Callable[[str], None]) -> Stage:
    if choice.bootstrap is None:
        broker = _broker(choice, stack)
        doing.what = f"{broker.version} on {broker.bootstrap}"
        settings = scenery.furnish(folder, ENDPOINT, broker.bootstrap)
        log = stack.enter_context(open_kafka(settings))
    else:
        settings = scenery.furnish(folder, f"{ENDPOINT}-demo-{uuid.uuid4().hex[:8]}", choice.bootstrap)
        log = stack.enter_context(open_kafka(settings))
        with log.admin() as admin:  # fails here, and not after the training, where no broker answers
            admin.create([_input(settings)])
        stack.callback(_delete_topics, log, settings, say)
    return Stage(settings, log, Processes(folder))


def _broker(choice: Choice, stack: ExitStack) -> BrokerInfo | BrokerContainer:
    if choice.kind == "docker":
        return stack.enter_context(running_broker_container())
    return stack.enter_context(running_broker())


def _input(settings: Settings) -> NewTopic:
    """The flights are of 2013: what a cluster keeps by default could be gone before it is routed."""
    return NewTopic(settings.names.input, scenery.PARTITIONS, CLUSTER_DEFAULT, {"retention.ms": str(FOR_EVER)})


def _delete_topics(log: Log, settings: Settings, say: Callable[[str], None]) -> None:
    names = settings.names
    table = topic_table(names, [version.ref for version in scenery.VERSIONS], Sizing(scenery.PARTITIONS))
    try:
        with log.admin() as admin:
            admin.delete(topic.name for topic in table)
    except LogError as error:
        say(f"The topics {names.endpoint}.* could not be deleted: {error}")
    else:
        say(f"The topics {names.endpoint}.* were this demo's, and are deleted.")
