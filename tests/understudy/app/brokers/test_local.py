from __future__ import annotations

import os
import shutil
import socket
from typing import TYPE_CHECKING

import pytest
from support.producer import Producer

from understudy.app.brokers.jars import KAFKA_VERSION, BrokerError
from understudy.app.brokers.local import (
    HOST,
    BrokerFolder,
    configure,
    earlier_ports,
    running_broker,
    start,
    status,
    stop,
    wait_until,
)
from understudy.core.log.contract import NewTopic, TopicPartition
from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from pathlib import Path

needs_java = pytest.mark.skipif(
    shutil.which("java") is None or shutil.which("mvn") is None, reason="a local broker needs Java and Maven"
)


def connects(bootstrap: str) -> bool:
    host, port = bootstrap.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1.0).close()
    except OSError:
        return False
    return True


@needs_java
@pytest.mark.kafka
def test_a_broker_starts_is_found_again_and_stops(tmp_path: Path) -> None:
    with running_broker(tmp_path) as broker:
        assert broker.version == KAFKA_VERSION
        assert connects(broker.bootstrap)
        assert status(tmp_path) == broker
        assert start(tmp_path) == broker, "starting it twice finds the running one"
    assert status(tmp_path) is None
    assert not connects(broker.bootstrap)
    assert stop(tmp_path) is False


@needs_java
@pytest.mark.kafka
def test_events_of_the_past_are_kept(tmp_path: Path) -> None:
    soon = {"log.initial.task.delay.ms": "0", "log.retention.check.interval.ms": "50"}
    with running_broker(tmp_path, properties=soon) as broker, KafkaLog(broker.bootstrap).admin() as admin:
        admin.create([NewTopic("flights", 1), NewTopic("kept-a-week", 1, config={"retention.ms": "604800000"})])
        for topic in ("flights", "kept-a-week"):
            producer = Producer(broker.bootstrap, topic)
            producer.send(None, b"of 2013", timestamp_ms=1_365_000_000_000)
            producer.flush()

        week = TopicPartition("kept-a-week", 0)
        assert wait_until(lambda: admin.start_offsets([week])[week] == 1, 30), "the broker deletes what is old"
        flights = TopicPartition("flights", 0)
        assert admin.start_offsets([flights]) == {flights: 0}


def test_a_port_is_taken_if_it_is_free(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        beside = configure(BrokerFolder(tmp_path), {}, port, fresh_ports=False)
    (tmp_path / "server.properties").unlink()
    there = configure(BrokerFolder(tmp_path), {}, port, fresh_ports=False)

    assert there == f"{HOST}:{port}"
    assert beside != there


@needs_java
@pytest.mark.kafka
def test_a_restarted_broker_keeps_its_address(tmp_path: Path) -> None:
    with running_broker(tmp_path) as first:
        stop(tmp_path, grace_s=0.0)
        second = start(tmp_path)
        assert second.bootstrap == first.bootstrap
        assert second.pid != first.pid


@needs_java
@pytest.mark.kafka
def test_a_broker_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    with running_broker(tmp_path):
        stop(tmp_path, grace_s=0.0)
        with pytest.raises(BrokerError, match=r"(?s)ended while it started.*broker\.log.*num\.io\.threads"):
            start(tmp_path, properties={"num.io.threads": "-1"})
        assert status(tmp_path) is None


@needs_java
def test_a_setting_that_kafka_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"could not be prepared.*num\.io\.threads"):
        start(tmp_path, properties={"num.io.threads": "-1"})
    assert status(tmp_path) is None


def test_a_pid_that_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    # Given a pid file from before a reboot: the number is now our own process

    place = BrokerFolder(tmp_path)
    place.pid.write_text(str(os.getpid()))
    place.bootstrap.write_text("127.0.0.1:1")
    assert status(tmp_path) is None
    assert stop(tmp_path) is False


def test_a_folder_without_a_broker_has_no_status(tmp_path: Path) -> None:
    assert status(tmp_path) is None
    assert status(tmp_path / "nowhere") is None


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BrokerError, match=r"folder .*file/broker cannot be made: Not a directory"):
        start(tmp_path / "file" / "broker")


def test_ports_that_were_taken_meanwhile_are_not_used_again(tmp_path: Path) -> None:
    place = BrokerFolder(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        place.properties.write_text(f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port}\n")
        assert earlier_ports(place) is None
