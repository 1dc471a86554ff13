from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from support.endpoint import until
from support.observer import Observer

from understudy.app.brokers.container import IMAGE, environment, running_broker_container
from understudy.app.brokers.jars import BrokerError
from understudy.app.brokers.local import answers
from understudy.core.log.contract import NewTopic
from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_the_image_is_given_a_whole_configuration() -> None:
    given = environment("127.0.0.1:5")

    assert given["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:5,INSIDE://localhost:19092"
    assert given["KAFKA_TRANSACTION_STATE_LOG_MIN_ISR"] == "1"
    assert given["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert all(name.isupper() and "." not in name for name in given)


@pytest.mark.docker
def test_a_broker_runs_for_the_length_of_a_block() -> None:
    with running_broker_container() as broker, KafkaLog(broker.bootstrap).admin() as admin:
        admin.create([NewTopic("t", 1, 1, {})])
        producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "x"})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce("t", b"of 1970", timestamp=1)
        producer.commit_transaction(30)
        observer = Observer(broker.bootstrap)
        until(lambda: [each.value for each in observer.records("t")] == [b"of 1970"], 30, "the record can be read")
        observer.close()

    assert not answers(broker.bootstrap)
    gone = subprocess.run(["docker", "inspect", broker.container], capture_output=True, check=False)
    assert gone.returncode != 0


@pytest.fixture
def broken_image(tmp_path: Path) -> Iterator[str]:
    """A broker that ends at once."""
    (tmp_path / "Dockerfile").write_text(f'FROM {IMAGE}\nCMD ["sh", "-c", "echo no disk is left; exit 1"]\n')
    built = subprocess.run(["docker", "build", "--quiet", tmp_path], capture_output=True, text=True, check=True)
    yield built.stdout.strip()
    subprocess.run(["docker", "rmi", built.stdout.strip()], capture_output=True, check=True)


@pytest.mark.docker
def test_a_container_that_ends_is_told_with_its_log_and_removed(broken_image: str) -> None:
    with (
        pytest.raises(BrokerError, match=r"(?s)ended while it started.*no disk is left"),
        running_broker_container(image=broken_image),
    ):
        pass
    left = subprocess.run(
        ["docker", "ps", "--all", "--quiet", f"--filter=ancestor={broken_image}"], capture_output=True, check=True
    )
    assert left.stdout == b""


@pytest.mark.docker
def test_an_image_that_cannot_be_had_is_told() -> None:
    with (
        pytest.raises(BrokerError, match="Check that the engine runs"),
        running_broker_container(image="localhost:1/there-is-no-such-image"),
    ):
        pass


def test_without_docker_the_other_brokers_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BrokerError, match=r"`docker` is not on the PATH.*--broker local"), running_broker_container():
        pass
