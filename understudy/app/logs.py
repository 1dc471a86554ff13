"""Opens the log that the settings name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.core.log.contract import Log
    from understudy.core.settings import KafkaSettings, Settings


@contextmanager
def open_kafka(settings: Settings) -> Iterator[Log]:
    """The Kafka cluster of the settings. Connections are made by what is asked of it, which raises LogUnavailable."""
    kafka = settings.kafka
    yield KafkaLog(kafka.bootstrap, security(kafka), connect_timeout_s=kafka.connect_timeout_s)


def security(kafka: KafkaSettings) -> dict[str, object]:
    """How connections are secured, by kafka-python's names; empty for what is not set."""
    password = kafka.sasl_password
    wanted = {
        "security_protocol": kafka.security_protocol,
        "ssl_cafile": None if kafka.ssl_cafile is None else str(kafka.ssl_cafile),
        "sasl_mechanism": kafka.sasl_mechanism,
        "sasl_plain_username": kafka.sasl_username,
        "sasl_plain_password": None if password is None else password.get_secret_value(),
    }
    return {name: value for name, value in wanted.items() if value not in (None, "PLAINTEXT")}
