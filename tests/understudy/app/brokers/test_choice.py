from __future__ import annotations

import pytest

from understudy.app.brokers.choice import BadChoice, choose


def installed(*programs: str) -> dict[str, str]:
    return {program: f"/usr/bin/{program}" for program in programs}


def test_auto_takes_local_kafka_where_it_can_run() -> None:
    choice = choose("auto", installed("java", "mvn").get)

    assert choice.kind == "local"
    assert str(choice) == "local (chosen because java and mvn are here; or --broker memory, docker, host:port)"


@pytest.mark.parametrize(
    ("there", "why"), [(("java",), "mvn is not"), (("mvn",), "java is not"), ((), "java and mvn are not")]
)
def test_auto_takes_memory_elsewhere_and_says_what_is_missing(there: tuple[str, ...], why: str) -> None:
    choice = choose("auto", installed(*there).get)

    assert choice.kind == "memory"
    assert why in choice.why
    assert "--broker local" in choice.others


def test_what_is_asked_for_is_taken() -> None:
    assert choose("memory", installed("java", "mvn").get).kind == "memory"
    assert choose("local", installed().get).kind == "local"
    assert choose("docker", installed().get).kind == "docker"
    given = choose("kafka-0:9092,kafka-1:9092", installed().get)
    assert (given.kind, given.bootstrap) == ("given", "kafka-0:9092,kafka-1:9092")


@pytest.mark.parametrize("wanted", ["", "podman", "kafka:", "kafka:x", "a b:1"])
def test_anything_else_is_refused(wanted: str) -> None:
    with pytest.raises(BadChoice, match="say auto, memory, local, docker or host:port"):
        choose(wanted, installed().get)
