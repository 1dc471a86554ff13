from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from support.driving import batch, seen

from understudy.core.log.contract import Output
from understudy.core.log.errors import LogUnavailable
from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from support.kafka_harness import KafkaHarness


def test_making_a_log_connects_to_nothing_and_pins_the_client_s_loggers() -> None:
    KafkaLog("127.0.0.1:1")
    assert logging.getLogger("kafka").level >= logging.WARNING


@pytest.mark.kafka
def test_security_settings_reach_the_client(kafka: KafkaHarness) -> None:
    # Given a broker that asks nobody for a password, and a client that insists on giving one
    secrets = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "somebody",
        "sasl_plain_password": "secret",
    }
    secured = KafkaLog(kafka._bootstrap, secrets, connect_timeout_s=0.5)
    with pytest.raises(LogUnavailable, match="security settings"):
        secured.admin()


@pytest.mark.kafka
@pytest.mark.parametrize("version", [1, 2])
def test_the_transaction_protocol_can_be_chosen(kafka: KafkaHarness, version: int) -> None:
    topic = kafka.create_topic("topic")
    log = KafkaLog(kafka._bootstrap, transaction_version=1 if version == 1 else 2)
    with log.writer(kafka.name("writer")) as writer:
        for value in ("a", "b"):
            outputs = [Output(topic, 0, batch(value)), Output(topic, 0, batch(value + value))]
            kafka.wait_until(lambda sent=outputs: writer.commit(sent), 20.0, "a commit")  # type: ignore[misc]
    assert seen(kafka, topic) == ["a", "aa", "b", "bb"]
