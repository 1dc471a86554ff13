"""Opens the log that the settings name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings


@contextmanager
def open_kafka(settings: Settings) -> Iterator[Log]:
    """The Kafka cluster of the settings. Connections are made by what is asked of it; raises LogUnavailable then."""
    yield KafkaLog(settings.kafka.bootstrap)
