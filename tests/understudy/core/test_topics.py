from __future__ import annotations

from pathlib import Path

import pytest

from understudy.core.topics import (
    DEFAULT_MAX_MESSAGE_BYTES,
    BadName,
    EndpointTopics,
    Sizing,
    check_names,
    markdown_table,
    parse_version,
    slot_id,
    topic_table,
)

FLIGHTS = EndpointTopics("flights")
VERSIONS = ["delay:v1", "delay:v4"]


def configs(sizing: Sizing = Sizing(partitions=8)) -> dict[str, dict[str, str]]:  # noqa: B008 - frozen
    return {topic.name: dict(topic.config) for topic in topic_table(FLIGHTS, VERSIONS, sizing)}


def test_names_follow_the_endpoint() -> None:
    assert FLIGHTS.input == "flights.input"
    assert FLIGHTS.predictions == "flights.predictions"
    assert FLIGHTS.shadow_predictions == "flights.shadow-predictions"
    assert FLIGHTS.dead_letters == "flights.dead-letters"
    assert FLIGHTS.requests("delay:v1") == "flights.delay.v1.requests"
    assert FLIGHTS.shadow_requests("Delay_model:1.0.2") == "flights.delay-model.1-0-2.shadow-requests"
    assert FLIGHTS.router_group == "flights.router"
    assert FLIGHTS.worker_group("delay:1.0") == "flights.worker.delay.1-0"
    assert slot_id(FLIGHTS.comparator_group, "pod-0") == "flights.comparator.pod-0"


def test_the_input_may_be_the_users_own_topic() -> None:
    topics = EndpointTopics("flights", "ops_events")

    assert topics.input == "ops_events"
    assert topic_table(topics, VERSIONS, Sizing(partitions=3))[0].name == "ops_events"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("delay", "names no version"),
        ("de lay:v1", "contains ' '"),
        ("delay:v/1", "'v/1' contains '/'"),
        ("delay:v1:2", "contains ':'"),
        ("délai:v1", "contains 'é'"),
        (":v1", "model name is empty"),
        ("delay:", "model version is empty"),
        ("delay:..", "no letter or digit"),
    ],
)
def test_a_bad_version_is_refused_by_its_offending_character(text: str, message: str) -> None:
    with pytest.raises(BadName, match=message):
        parse_version(text)


@pytest.mark.parametrize("name", ["", "my endpoint", "-"])
def test_a_bad_endpoint_is_refused(name: str) -> None:
    with pytest.raises(BadName):
        EndpointTopics(name)


def test_versions_that_would_share_a_topic_are_refused() -> None:
    with pytest.raises(BadName, match=r"delay:1\.0 and delay:1_0 both need the topic flights\.delay\.1-0\.requests"):
        check_names(FLIGHTS, ["delay:1.0", "delay:1_0"])


@pytest.mark.parametrize("own", ["flights.predictions", "flights_predictions", "flights.delay.v1.requests"])
def test_an_input_that_is_one_of_our_topics_is_refused(own: str) -> None:
    with pytest.raises(BadName, match="both need the topic"):
        check_names(EndpointTopics("flights", own), VERSIONS)


def test_a_topic_name_longer_than_kafka_takes_is_refused() -> None:
    with pytest.raises(BadName, match="Kafka takes 249"):
        check_names(EndpointTopics("e" * 240), VERSIONS)


def test_every_version_has_both_lanes_and_only_deployments_has_one_partition() -> None:
    table = topic_table(FLIGHTS, VERSIONS, Sizing(partitions=8, replication_factor=3))
    partitions = {topic.name: topic.partitions for topic in table}

    for version in VERSIONS:
        assert partitions[FLIGHTS.requests(version)] == partitions[FLIGHTS.shadow_requests(version)] == 8
    assert {name for name, count in partitions.items() if count != 8} == {FLIGHTS.deployments}
    assert partitions[FLIGHTS.deployments] == 1
    assert {topic.replication_factor for topic in table} == {3}


def test_retention_counts_from_arrival_in_every_topic_of_ours() -> None:
    table = configs()

    assert table.pop(FLIGHTS.input) == {}
    assert {config["message.timestamp.type"] for config in table.values()} == {"LogAppendTime"}


def test_lanes_take_the_inputs_largest_batch_and_a_header() -> None:
    large = configs(Sizing(partitions=8, input_max_bytes=5_000_000))
    small = configs(Sizing(partitions=8, input_max_bytes=1_000))

    assert large[FLIGHTS.requests("delay:v1")]["max.message.bytes"] == str(5_000_000 + 65_536)
    assert small[FLIGHTS.requests("delay:v1")]["max.message.bytes"] == str(DEFAULT_MAX_MESSAGE_BYTES + 65_536)


def test_a_shadow_lane_is_bounded_and_deployments_are_kept_for_ever() -> None:
    table = configs()

    shadow = table[FLIGHTS.shadow_requests("delay:v4")]
    assert int(shadow["retention.bytes"]) > int(shadow["segment.bytes"]) > 0
    assert table[FLIGHTS.requests("delay:v1")]["retention.bytes"] == "-1"
    assert table[FLIGHTS.deployments]["retention.ms"] == table[FLIGHTS.deployments]["retention.bytes"] == "-1"


@pytest.mark.parametrize(("replicas", "in_sync"), [(1, "1"), (2, "1"), (3, "2")])
def test_replicated_topics_survive_one_broker_and_lose_nothing(replicas: int, in_sync: str) -> None:
    table = configs(Sizing(partitions=8, replication_factor=replicas))

    assert table[FLIGHTS.predictions]["min.insync.replicas"] == in_sync


def test_the_clusters_default_replication_brings_its_own_minimum() -> None:
    assert "min.insync.replicas" not in configs()[FLIGHTS.predictions]


def test_the_documented_table_names_every_kind() -> None:
    table = markdown_table()

    assert "| `<endpoint>.<model>.<version>.shadow-requests` | router |" in table
    assert "| 1 d, at most 1,024 MiB a partition |" in table
    assert (
        "| `<endpoint>.deployments` | commands, roles | the history of releases, which roles follow | for ever |"
        in table
    )
    assert "| `<endpoint>.input` | you | the events, Avro, any key | as you set it |" in table


def test_the_documentation_has_the_table_of_today() -> None:
    assert markdown_table() in (Path(__file__).parents[3] / "docs" / "topics.md").read_text(encoding="utf-8")
