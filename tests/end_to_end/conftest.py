"""Endpoints of the flights example on a real broker, events for them, and readers that share no code with the roles."""

from __future__ import annotations

import shutil
from itertools import islice
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from support import release_rig
from support.endpoint import Endpoint
from support.observer import Observer
from support.producer import Producer

from examples.flights import events, train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from examples.flights.events import Encoded

    TakeEvents = Callable[[int], Sequence[Encoded]]


class MakeEndpoint(Protocol):
    def __call__(self, bootstrap: str) -> Endpoint: ...


class MakeProvisioned(Protocol):
    def __call__(self, production: str, shadows: Sequence[str], *, partitions: int = 4) -> Endpoint: ...


@pytest.fixture(scope="session")
def flights_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with flights:v1 and flights:v4, trained once."""
    registry = tmp_path_factory.mktemp("registry") / "models"
    train.v1(registry)
    train.v4(registry)
    return registry


@pytest.fixture(scope="session")
def flights_events() -> TakeEvents:
    """The first events of the stream, encoded; beyond its end it is repeated under new ids."""
    extract = list(events.events())
    known: list[Encoded] = []

    def take(count: int) -> Sequence[Encoded]:
        if count > len(known):
            known.extend(events.encoded(islice(events.repeated(extract, count), len(known), None)))
        return known[:count]

    return take


@pytest.fixture
def registry(flights_registry: Path, tmp_path: Path) -> Path:
    """A registry of the test's own, with flights:v1 and flights:v4."""
    return shutil.copytree(flights_registry, tmp_path / "models")


@pytest.fixture
def unprovisioned(tmp_path: Path, registry: Path) -> Iterator[MakeEndpoint]:
    """Makes endpoints with names and folders of their own, but without topics; what runs in them ends with the test."""
    made: list[Endpoint] = []

    def make(bootstrap: str) -> Endpoint:
        name = f"e{uuid4().hex[:12]}"
        endpoint = Endpoint(tmp_path / name, name, bootstrap)
        made.append(endpoint)
        endpoint.folder.mkdir()
        shutil.copy(events.SCHEMA_FILE, endpoint.folder)
        endpoint.configure(settings(name, registry))
        return endpoint

    yield make
    for endpoint in made:
        endpoint.close()


@pytest.fixture
def flights_endpoint(unprovisioned: MakeEndpoint, kafka_bootstrap: str) -> MakeProvisioned:
    """Makes endpoints with topics, and versions in production and beside it."""

    def make(production: str, shadows: Sequence[str], *, partitions: int = 4) -> Endpoint:
        endpoint = unprovisioned(kafka_bootstrap)
        create_input(endpoint, partitions)
        endpoint.run("topics")
        endpoint.release(production, *shadows)
        return endpoint

    return make


def settings(name: str, registry: Path) -> str:
    """An endpoint's understudy.toml."""
    return (
        f'endpoint = "{name}"\n'
        "[kafka]\nconnect_timeout_s = 2\n"
        f'[input]\nschema = "{events.SCHEMA_FILE.name}"\nevent_id = "event_id"\n'
        f'[models]\nregistry = "{registry}"\n'
        "[comparator]\ninterval_s = 0.25\n"
    )


def create_input(endpoint: Endpoint, partitions: int) -> None:
    """The input topic. The flights are of 2013: it must not drop what is old."""
    topic = NewTopic(f"{endpoint.name}.input", partitions, 1, config={"retention.ms": "-1"})
    admin = AdminClient({"bootstrap.servers": endpoint.bootstrap})  # its answers come as long as it is held
    for created in admin.create_topics([topic]).values():
        created.result(timeout=30)


@pytest.fixture
def produce_flights(flights_events: TakeEvents) -> Callable[[Endpoint, int], None]:
    """Writes an endpoint's next so many events, as an ordinary producer does."""
    produced: dict[str, int] = {}

    def produce(endpoint: Endpoint, count: int) -> None:
        begin = produced.get(endpoint.name, 0)
        produced[endpoint.name] = begin + count
        producer = Producer(endpoint.bootstrap, f"{endpoint.name}.input")
        for event in flights_events(begin + count)[begin:]:
            producer.send(event.key, event.value, event.timestamp_ms)
        producer.flush()

    return produce


@pytest.fixture
def observer(kafka_bootstrap: str) -> Iterator[Observer]:
    """An independent read_committed reader."""
    observer = Observer(kafka_bootstrap)
    yield observer
    observer.close()


class MakeRelease(Protocol):
    def __call__(self, *, partitions: int = 4, sections: str = "") -> Endpoint: ...


@pytest.fixture(scope="session")
def sums_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the fast little models of `support.release_rig`."""
    registry = tmp_path_factory.mktemp("sums") / "models"
    release_rig.registry_of_sums(registry)
    return registry


@pytest.fixture
def make_release(kafka_bootstrap: str, sums_registry: Path, tmp_path: Path) -> Iterator[MakeRelease]:
    """Makes small endpoints with topics, and nothing deployed; what runs in them ends with the test."""
    made: list[Endpoint] = []

    def make(*, partitions: int = 4, sections: str = "") -> Endpoint:
        name = f"e{uuid4().hex[:12]}"
        made.append(release_rig.furnished(tmp_path / name, name, kafka_bootstrap, sums_registry, partitions, sections))
        return made[-1]

    yield make
    for endpoint in made:
        endpoint.close()
