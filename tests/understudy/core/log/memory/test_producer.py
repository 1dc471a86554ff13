from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.driving import at, batch, values_of
from support.harness import Killed, crash_at

from understudy.core.log.contract import NewTopic, Output, Phase, Position
from understudy.core.log.errors import Fenced, OutputTooLarge
from understudy.core.log.memory import Faults, VirtualClock
from understudy.core.log.memory.cluster import Cluster
from understudy.core.log.memory.producer import Moves, Producer

if TYPE_CHECKING:
    from understudy.core.log.memory import Fate

TIMEOUT_S = 5.0


@pytest.fixture
def cluster() -> Cluster:
    cluster = Cluster(VirtualClock(100.0), Faults())
    for name in ("one", "two"):
        cluster.topics.create(NewTopic(name, 1))
    return cluster


def out(value: str, topic: str = "one") -> list[Output]:
    return [Output(topic, 0, batch(value))]


def visible(cluster: Cluster, topic: str = "one") -> list[str]:
    return values_of(cluster.topics.partition(at(topic)).read(0, 1 << 20).batches)


def moves(cluster: Cluster) -> Moves:
    group = cluster.groups.named("group")
    member_id = group.join("a", ("one",), TIMEOUT_S)
    return Moves("group", "a", member_id, group.generation, {at("one"): Position(1, "note")})


def test_phases_are_named_in_order(cluster: Cluster) -> None:
    phases: list[Phase] = []
    producer = Producer(cluster, "id", TIMEOUT_S, phases.append)

    assert producer.commit(out("a0"), moves(cluster))

    assert phases == ["begun", "produced", "positioned", "ending", "ended"]


@pytest.mark.parametrize(
    ("fate", "committed", "seen"),
    [
        ("commits", True, ["a0"]),
        ("lost before", False, []),
        ("lost after", False, ["a0"]),
        ("evicted", False, []),
    ],
)
def test_a_fate_decides_the_outcome_and_the_answer(
    cluster: Cluster, fate: Fate, committed: bool, seen: list[str]
) -> None:
    cluster.faults.befall(fate)
    producer = Producer(cluster, "id", TIMEOUT_S)

    assert producer.commit(out("a0"), moves(cluster)) is committed

    assert visible(cluster) == seen
    assert cluster.groups.named("group").positions == ({at("one"): Position(1, "note")} if seen else {})


def test_after_a_lost_transaction_the_next_one_commits(cluster: Cluster) -> None:
    cluster.faults.befall("lost before", "lost after")
    producer = Producer(cluster, "id", TIMEOUT_S)

    assert [producer.commit(out(value)) for value in ("a0", "a1", "a2")] == [False, False, True]

    assert visible(cluster) == ["a1", "a2"]


@pytest.mark.parametrize("generation", [-1, 1])
def test_positions_of_another_generation_are_refused(cluster: Cluster, generation: int) -> None:
    claim = moves(cluster)

    assert not Producer(cluster, "id", TIMEOUT_S).commit(
        out("a0"), claim._replace(generation=claim.generation + generation)
    )

    assert visible(cluster) == []


def test_the_next_transaction_waits_for_the_markers_of_the_last(cluster: Cluster) -> None:
    cluster.faults.delay_markers("two", 3.0)
    producer = Producer(cluster, "id", TIMEOUT_S)
    assert producer.commit([*out("a0"), *out("b0", "two")])
    assert (visible(cluster), visible(cluster, "two")) == (["a0"], [])

    assert producer.commit(out("a1"))

    assert cluster.clock.now_s() == 103.0
    assert (visible(cluster), visible(cluster, "two")) == (["a0", "a1"], ["b0"])


def test_a_crash_leaves_the_transaction_open_and_a_close_aborts_it(cluster: Cluster) -> None:
    producer = Producer(cluster, "id", TIMEOUT_S, crash_at("produced"))
    with pytest.raises(Killed):
        producer.commit(out("lost"))
    assert cluster.topics.partition(at("one")).stable_offset == 0

    producer.close()

    assert cluster.topics.partition(at("one")).stable_offset == 2
    assert visible(cluster) == []


def test_a_refused_output_undoes_the_others(cluster: Cluster) -> None:
    producer = Producer(cluster, "id", TIMEOUT_S)

    with pytest.raises(OutputTooLarge):
        producer.commit([*out("lost", "two"), *out("x" * 2_000_000)])

    assert visible(cluster, "two") == []
    assert producer.commit(out("kept", "two"))
    assert visible(cluster, "two") == ["kept"]


def test_a_batch_that_is_not_forwardable_is_refused(cluster: Cluster) -> None:
    producer = Producer(cluster, "id", TIMEOUT_S)
    assert producer.commit([Output("one", 0, batch("a0", "a1"))])
    (half,) = cluster.topics.partition(at("one")).read(1, 1 << 20).batches

    with pytest.raises(ValueError, match="rebuild"):
        producer.commit([Output("two", 0, half)])

    assert producer.commit(out("a2"))


def test_a_fenced_producer_closes_in_peace(cluster: Cluster) -> None:
    old = Producer(cluster, "id", TIMEOUT_S)
    new = Producer(cluster, "id", TIMEOUT_S)
    with pytest.raises(Fenced):
        old.commit(out("late"))

    old.close()

    assert new.commit(out("a0"))
    assert visible(cluster) == ["a0"]
