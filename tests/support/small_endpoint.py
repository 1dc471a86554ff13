"""A small endpoint on the memory log: two numbers come in, a label comes out."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from understudy.core.settings import Settings
from understudy.models import register

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from understudy.core.log.contract import Log
    from understudy.core.log.memory import MemoryLog

PRODUCTION = "sums:v1"
SHADOW = "sums:v2"

EVENT_SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "a", "type": "double"},
        {"name": "b", "type": ["null", "double"], "default": None},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}, "default": 0},
    ],
}


def event(number: int) -> dict[str, Any]:
    return {"id": f"event-{number}", "a": float(number % 7), "b": float(number % 5), "at": 1_000 * number}


def endpoint_settings(folder: Path, **sections: object) -> Settings:
    """Settings of an endpoint in this folder, its schema written there; sections replace those given here."""
    (folder / "event.avsc").write_text(json.dumps(EVENT_SCHEMA))
    return Settings.model_validate(
        {
            "endpoint": "sums",
            "input": {"schema": folder / "event.avsc", "event_id": "id", "event_time": "at"},
            "models": {"registry": str(folder / "models")},
            "topics": {"partitions": 3},
            "router": {"interval_s": 0},
            "worker": {"interval_s": 0, "micro_batch_records": 16},
            "comparator": {"interval_s": 0},
            **sections,
        }
    )


def register_models(settings: Settings) -> None:
    """Two versions that agree: is a + b more than 5?"""
    inputs = np.array([[a, b] for a in range(7) for b in range(5)], dtype=float)
    labels = inputs.sum(axis=1) > 5
    for version in (PRODUCTION, SHADOW):
        model = LogisticRegression(C=100.0).fit(inputs, labels)
        register(model, version, registry=settings.models.registry, example=inputs, columns=["a", "b"])


@contextmanager
def opened(log: MemoryLog, _: Settings) -> Iterator[Log]:
    """What commands call instead of connecting to a cluster."""
    yield log
