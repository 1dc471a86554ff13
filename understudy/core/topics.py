"""Topics, consumer groups and slots of an endpoint: their names, and the table of their configurations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from understudy.core.log.contract import NewTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ALLOWED: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
MAX_TOPIC_NAME: Final = 249
DEFAULT_MAX_MESSAGE_BYTES: Final = 1_048_588
"""A broker's default for max.message.bytes."""
HEADROOM_BYTES: Final = 64 * 1024
"""What our topics accept beyond the input's largest batch: frame headers, error headers, row fields."""

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
FOR_EVER: Final = -1


class BadName(ValueError):
    """A name that cannot be used; the text says which character or which other name is in the way."""


class Version(NamedTuple):
    """A registered model's name and version, written `name:version`."""

    model: str
    version: str

    def __str__(self) -> str:
        return f"{self.model}:{self.version}"


def check_name(name: str, what: str) -> str:
    """Return `name` if it consists of letters, digits, `-`, `_` and `.`. Raises BadName, naming the character."""
    if not name:
        raise BadName(f"The {what} is empty: give it letters, digits, '-', '_' or '.'.")
    for character in name:
        if character not in ALLOWED:
            raise BadName(
                f"The {what} {name!r} contains {character!r}: only letters, digits, '-', '_' and '.' are possible."
            )
    if not safe_name(name).strip("-"):
        raise BadName(f"The {what} {name!r} has no letter or digit.")
    return name


def parse_version(text: str) -> Version:
    """Split `name:version`. Raises BadName."""
    model, colon, version = text.partition(":")
    if not colon:
        raise BadName(f"{text!r} names no version: write name:version, as in flights:v1.")
    return Version(check_name(model, "model name"), check_name(version, "model version"))


def safe_name(name: str) -> str:
    """The form of a name inside topic and group names, which Kafka's metrics would confuse otherwise."""
    return name.lower().replace("_", "-").replace(".", "-")


Kind = Literal[
    "input",
    "predictions",
    "shadow-predictions",
    "routes",
    "comparisons",
    "dead-letters",
    "deployments",
    "labels",
    "requests",
    "shadow-requests",
]


@dataclass(frozen=True, slots=True)
class EndpointTopics:
    """Names of everything that an endpoint has in the log.

    input: the user's own topic; default `<endpoint>.input`. Raises BadName where the endpoint's name is unusable.
    """

    endpoint: str
    input: str = ""

    def __post_init__(self) -> None:
        check_name(self.endpoint, "endpoint name")
        object.__setattr__(self, "input", self.input or self._named("input"))
        check_name(self.input, "input topic")

    @property
    def predictions(self) -> str:
        return self._named("predictions")

    @property
    def shadow_predictions(self) -> str:
        return self._named("shadow-predictions")

    @property
    def routes(self) -> str:
        return self._named("routes")

    @property
    def comparisons(self) -> str:
        return self._named("comparisons")

    @property
    def dead_letters(self) -> str:
        return self._named("dead-letters")

    @property
    def deployments(self) -> str:
        return self._named("deployments")

    @property
    def labels(self) -> str:
        return self._named("labels")

    def requests(self, version: str) -> str:
        """The lane of `name:version` that answers."""
        return self._of_version(version, "requests")

    def shadow_requests(self, version: str) -> str:
        """The shadow lane of `name:version`."""
        return self._of_version(version, "shadow-requests")

    @property
    def router_group(self) -> str:
        return self._named("router")

    @property
    def comparator_group(self) -> str:
        return self._named("comparator")

    def worker_group(self, version: str) -> str:
        """The consumer group of the workers of `name:version`."""
        model, number = parse_version(version)
        return self._named(f"worker.{safe_name(model)}.{safe_name(number)}")

    @property
    def deployments_writer(self) -> str:
        """The transactional id that all writers of deployments share: a dead writer's is aborted by the next."""
        return self._named("deployments")

    def _named(self, suffix: str) -> str:
        return f"{safe_name(self.endpoint)}.{suffix}"

    def _of_version(self, version: str, suffix: str) -> str:
        model, number = parse_version(version)
        return self._named(f"{safe_name(model)}.{safe_name(number)}.{suffix}")


CANDIDATE: Final = ".candidate"
"""How slots end whose worker is held back, as its version is not production. It is no sign that production is ready."""
RECLAIMER: Final = ".reclaimer"
"""How slots end that account for what a withdrawn version owes."""


def slot_id(group: str, slot: str) -> str:
    """One running instance's group.instance.id and transactional.id. Raises BadName."""
    return f"{group}.{check_name(slot, 'slot')}"


@dataclass(frozen=True, slots=True)
class TopicKind:
    """A row of the topic table.

    retention_bytes is per partition; `FOR_EVER` stands for no bound. ours: written by us, so that retention counts
    from arrival (LogAppendTime) and not from an old event's time; the others keep what the broker sets. optional:
    made by whoever wants it.
    """

    kind: Kind
    written_by: str
    purpose: str
    retention_ms: int = 7 * DAY_MS
    retention_bytes: int = FOR_EVER
    ours: bool = True
    single_partition: bool = False
    optional: bool = False


CLUSTER_DEFAULT: Final = -1
SHADOW_LANE_BYTES: Final = 1 << 30
SHADOW_SEGMENT_BYTES: Final = 1 << 26

TOPIC_KINDS: Final[tuple[TopicKind, ...]] = (
    TopicKind("input", "you", "the events, Avro, any key", ours=False),
    TopicKind("requests", "router", "a version's lane that answers: frames of input batches"),
    TopicKind(
        "shadow-requests",
        "router",
        "a version's shadow lane; bounded, so that a shadow that is down fills no disk",
        retention_ms=DAY_MS,
        retention_bytes=SHADOW_LANE_BYTES,
    ),
    TopicKind("predictions", "workers", "what you consume: each input record exactly once"),
    TopicKind("shadow-predictions", "workers", "what the shadows answered"),
    TopicKind("routes", "router", "one row per frame: which lane owes which answers"),
    TopicKind("comparisons", "comparator", "additive statistics and first examples", retention_ms=FOR_EVER),
    TopicKind(
        "deployments", "commands, roles", "the history of releases, which roles follow", FOR_EVER, single_partition=True
    ),
    TopicKind("dead-letters", "workers", "records that could not be answered, as they were", retention_ms=30 * DAY_MS),
    TopicKind("labels", "you", "the truth, when it is known; carries the event's id", ours=False, optional=True),
)


@dataclass(frozen=True, slots=True)
class Sizing:
    """What the table takes from the cluster and the settings.

    replication_factor: `CLUSTER_DEFAULT` leaves it, and min.insync.replicas, to the cluster. input_max_bytes: the
    input topic's max.message.bytes.
    """

    partitions: int
    replication_factor: int = CLUSTER_DEFAULT
    input_max_bytes: int = DEFAULT_MAX_MESSAGE_BYTES


def config_of(kind: TopicKind, sizing: Sizing) -> dict[str, str]:
    """The configuration of a topic of this kind; empty for topics that are the user's."""
    if not kind.ours:
        return {}
    config = {
        "cleanup.policy": "delete",
        "compression.type": "producer",
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(max(sizing.input_max_bytes, DEFAULT_MAX_MESSAGE_BYTES) + HEADROOM_BYTES),
        "retention.ms": str(kind.retention_ms),
        "retention.bytes": str(kind.retention_bytes),
    }
    if sizing.replication_factor != CLUSTER_DEFAULT:
        config["min.insync.replicas"] = str(max(1, sizing.replication_factor - 1))
    if kind.retention_bytes != FOR_EVER:
        config["segment.bytes"] = str(SHADOW_SEGMENT_BYTES)
    return config


def topic_table(topics: EndpointTopics, versions: Sequence[str], sizing: Sizing) -> list[NewTopic]:
    """Every topic that an endpoint with these versions (`name:version`) needs, the input first.

    Each version has both lanes, for its workers subscribe to both. Raises BadName where names collide.
    """
    check_names(topics, versions)
    return [
        NewTopic(
            name=name,
            partitions=1 if kind.single_partition else sizing.partitions,
            replication_factor=sizing.replication_factor,
            config=config_of(kind, sizing),
        )
        for kind in TOPIC_KINDS
        if not kind.optional
        for name in topic_names(kind.kind, topics, versions)
    ]


def topic_names(kind: Kind, topics: EndpointTopics, versions: Sequence[str]) -> list[str]:
    """The names of all topics of a kind."""
    match kind:
        case "input":
            return [topics.input]
        case "requests":
            return [topics.requests(version) for version in versions]
        case "shadow-requests":
            return [topics.shadow_requests(version) for version in versions]
        case _:
            return [f"{safe_name(topics.endpoint)}.{kind}"]


def check_names(topics: EndpointTopics, versions: Iterable[str]) -> None:
    """Refuse what would share a topic, or a name in Kafka's metrics. Raises BadName, naming both."""
    listed = list(versions)
    owners: dict[str, str] = {}
    for kind in TOPIC_KINDS:
        own = "the input" if kind.kind == "input" else f"the topic of {kind.kind}"
        of_version = kind.kind in {"requests", "shadow-requests"}
        for index, name in enumerate(topic_names(kind.kind, topics, listed)):
            claim(owners, name, listed[index] if of_version else own)


def claim(owners: dict[str, str], name: str, owner: str) -> None:
    """Note who uses a topic name. Raises BadName where somebody else does, or where it is too long."""
    if len(name) > MAX_TOPIC_NAME:
        raise BadName(f"The topic name {name} has {len(name)} characters; Kafka takes {MAX_TOPIC_NAME}.")
    other = owners.setdefault(name.replace("_", "."), owner)
    if other != owner:
        raise BadName(f"{other} and {owner} both need the topic {name}: rename one of them.")


def markdown_table() -> str:
    """The table of topics as Markdown, for the documentation."""
    rows = ["| topic | written by | what for | kept |", "|---|---|---|---|"]
    for kind in TOPIC_KINDS:
        prefix = "`<endpoint>.<model>.<version>." if kind.kind.endswith("requests") else "`<endpoint>."
        rows.append(f"| {prefix}{kind.kind}` | {kind.written_by} | {kind.purpose} | {kept(kind)} |")
    return "\n".join(rows) + "\n"


def kept(kind: TopicKind) -> str:
    """How long a topic's records are kept, in words."""
    if not kind.ours:
        return "as you set it"
    time = "for ever" if kind.retention_ms == FOR_EVER else f"{kind.retention_ms // DAY_MS} d"
    size = "" if kind.retention_bytes == FOR_EVER else f", at most {kind.retention_bytes >> 20:,} MiB a partition"
    return time + size
