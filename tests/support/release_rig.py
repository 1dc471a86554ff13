"""A small endpoint on real Kafka whose plan changes under load: two numbers come in, a label comes out."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import time
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import fastavro
import numpy as np
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sklearn.linear_model import LogisticRegression
from support.endpoint import Endpoint
from support.load import KEYS
from support.producer import Producer
from support.small_endpoint import EVENT_SCHEMA, event

from understudy.models import register

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

USER_CODE: Final = Path(__file__).with_name("user_code")
SINGLE_OBJECT: Final = b"\xc3\x01"
VALUES: Final = 997
EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
PRODUCTION: Final = "sums:v1"
GOOD: Final = (PRODUCTION, "sums:v2", "sums:v3", "sums:v4")
"""They agree: is a + b more than 5?"""

OTHER: Final = "sums:v5"
"""Asks whether it is more than 4."""

SWITCHABLE: Final = "sums:switchable"
"""Agrees, until something else is written into the file `switch` of the endpoint's folder."""


def registry_of_sums(registry: Path) -> None:
    """Register GOOD and OTHER."""
    inputs, labels = examples()
    for version in (*GOOD, OTHER):
        model = LogisticRegression(C=100.0).fit(inputs, labels if version != OTHER else inputs.sum(axis=1) > 4)
        register(model, version, registry=registry, example=inputs, columns=["a", "b"])


def examples() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Inputs, and whether their sum is more than 5."""
    inputs = np.array([[a, b] for a in range(7) for b in range(5)], dtype=float)
    return inputs, inputs.sum(axis=1) > 5


def furnished(folder: Path, name: str, bootstrap: str, registry: Path, partitions: int, sections: str) -> Endpoint:
    """An endpoint with its files and topics. sections: more of understudy.toml."""
    folder.mkdir()
    importable = os.pathsep.join(filter(None, [str(USER_CODE), os.environ.get("PYTHONPATH")]))
    endpoint = Endpoint(folder, name, bootstrap, environment={"PYTHONPATH": importable})
    (folder / "event.avsc").write_text(json.dumps(EVENT_SCHEMA))
    shutil.copytree(registry, folder / "models")
    endpoint.configure(
        f'endpoint = "{name}"\n[kafka]\nconnect_timeout_s = 2\n'
        '[input]\nschema = "event.avsc"\n[models]\nregistry = "models"\n'
        "[comparator]\ninterval_s = 0.25\nblock_s = 60\n" + sections
    )
    create_input(bootstrap, f"{name}.input", partitions)
    endpoint.run("topics")
    return endpoint


def create_input(bootstrap: str, topic: str, partitions: int) -> None:
    """The input topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its answers come as long as it is held
    for created in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        created.result(timeout=30)


def register_switchable(endpoint: Endpoint) -> Path:
    """Register SWITCHABLE; its switch, a file that is not there yet."""
    if str(USER_CODE) not in sys.path:
        sys.path.append(str(USER_CODE))
    Switchable = importlib.import_module("switchable").Switchable  # noqa: N806 - the class

    switch = endpoint.folder / "switch"
    inputs, labels = examples()
    model = Switchable(str(switch)).fit(inputs, labels)
    registry, trusted = endpoint.folder / "models", ["switchable.Switchable"]
    register(model, SWITCHABLE, registry=registry, example=inputs, columns=["a", "b"], trusted=trusted)
    return switch


def encoded_events(count: int = VALUES) -> list[bytes]:
    """Events as producers write them: Avro, single-object."""
    schema = fastavro.parse_schema(EVENT_SCHEMA)
    canonical = fastavro.schema.to_parsing_canonical_form(EVENT_SCHEMA)
    fingerprint = bytes.fromhex(fastavro.schema.fingerprint(canonical, "CRC-64-AVRO"))
    return [SINGLE_OBJECT + fingerprint + _body(schema, event(number)) for number in range(count)]


def _body(schema: Any, row: dict[str, Any]) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, schema, row)
    return out.getvalue()


def release(endpoint: Endpoint, version: str, strategy: str, *more: str) -> None:
    """Change the plan without waiting for anybody: routers and workers follow as soon as they run."""
    endpoint.run("deploy", version, "--strategy", strategy, *more, "--no-wait")


def produce(
    endpoint: Endpoint, count: int, *, partition: int | None = None, settings: Mapping[str, str] = EMPTY
) -> None:
    """Send so many events, in any partition or in one; settings: the producer's."""
    values = encoded_events(min(count, VALUES))
    producer = Producer(endpoint.bootstrap, f"{endpoint.name}.input", settings)
    for number in range(count):
        now_ms = time.time_ns() // 1_000_000
        producer.send(b"key-%d" % (number % KEYS), values[number % len(values)], now_ms, partition=partition)
    producer.flush()
