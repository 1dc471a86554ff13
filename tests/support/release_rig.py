"""A small endpoint on real Kafka whose plan changes under load: two numbers come in, a label comes out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import fastavro
import numpy as np
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from sklearn.linear_model import LogisticRegression
from support.endpoint import Endpoint
from support.small_endpoint import EVENT_SCHEMA, event

from understudy.models import register

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SINGLE_OBJECT: Final = b"\xc3\x01"
VALUES: Final = 997
GOOD: Final = ("sums:v1", "sums:v2", "sums:v3", "sums:v4")
"""They agree: is a + b more than 5?"""

OTHER: Final = "sums:v5"
"""Asks whether it is more than 4."""


@dataclass
class Release(Endpoint):
    """An endpoint, and what changes its plan."""

    def deploy(self, version: str, strategy: str, *more: str) -> None:
        """Prepare a version and put it into the plan."""
        self.run("deploy", version, "--strategy", strategy, *more)


def make_release(folder: Path, name: str, bootstrap: str, *, partitions: int = 4, sections: str = "") -> Release:
    """Its folder, its models and its topics. sections: more of understudy.toml."""
    folder.mkdir()
    release = Release(folder, name, bootstrap)
    (folder / "event.avsc").write_text(json.dumps(EVENT_SCHEMA))
    release.configure(
        f'endpoint = "{name}"\n[kafka]\nconnect_timeout_s = 2\n'
        '[input]\nschema = "event.avsc"\n[models]\nregistry = "models"\n'
        "[comparator]\ninterval_s = 0.25\nblock_s = 60\n" + sections
    )
    register_sums(folder / "models", [*GOOD, OTHER])
    create_input(bootstrap, f"{name}.input", partitions)
    release.run("topics")
    return release


def create_input(bootstrap: str, topic: str, partitions: int) -> None:
    """The input topic."""
    admin = AdminClient({"bootstrap.servers": bootstrap})  # its answers come as long as it is held
    for created in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        created.result(timeout=30)


def register_sums(registry: Path, versions: Sequence[str]) -> None:
    """Fast little models."""
    inputs = np.array([[a, b] for a in range(7) for b in range(5)], dtype=float)
    for version in versions:
        labels = inputs.sum(axis=1) > (4 if version == OTHER else 5)
        model = LogisticRegression(C=100.0).fit(inputs, labels)
        register(model, version, registry=str(registry), example=inputs, columns=["a", "b"])


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
