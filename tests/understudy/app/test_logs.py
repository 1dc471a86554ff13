from __future__ import annotations

from understudy.app.logs import open_kafka, security
from understudy.core.log.kafka import KafkaLog
from understudy.core.settings import KafkaSettings, Settings


def test_opening_connects_to_nothing_yet() -> None:
    with open_kafka(Settings.model_validate({"endpoint": "e", "kafka": {"bootstrap": "127.0.0.1:1"}})) as log:
        assert isinstance(log, KafkaLog)


def test_a_plain_cluster_needs_nothing() -> None:
    assert security(KafkaSettings()) == {}


def test_credentials_go_to_the_client() -> None:
    secured = KafkaSettings.model_validate(
        {
            "security_protocol": "SASL_SSL",
            "ssl_cafile": "/ca.pem",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": "flights",
            "sasl_password": "secret",
        }
    )

    assert security(secured) == {
        "security_protocol": "SASL_SSL",
        "ssl_cafile": "/ca.pem",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "flights",
        "sasl_plain_password": "secret",
    }
    assert "secret" not in repr(secured)
