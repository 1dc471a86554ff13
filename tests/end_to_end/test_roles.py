"""How roles start, stop, hand over and refuse, as whoever operates them sees it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support.endpoint import until
from support.observer import Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.endpoint import Endpoint
    from support.observer import Observer

PRODUCTION = "flights:v1"
SHADOW = "flights:v4"
NOBODY = "127.0.0.1:1"
"""Where no broker listens."""

ROLES = {
    "router-0": ("router",),
    "production-0": ("worker", PRODUCTION),
    "shadow-0": ("worker", SHADOW),
    "comparator-0": ("comparator",),
}
EVENTS = 10_000


def start(endpoint: Endpoint) -> None:
    for slot, arguments in ROLES.items():
        endpoint.start(slot, *arguments)


def answers_twice(endpoint: Endpoint, observer: Observer) -> tuple[int, int]:
    """How many input records have an answer in both topics, and how many rows there are too many."""
    decoder = Rows("prediction")
    rows = Counter(
        (topic, seen.partition, decoder.decode(seen.value)["source_offset"])
        for topic in ("predictions", "shadow-predictions")
        for seen in observer.records(f"{endpoint.name}.{topic}")
    )
    return len(rows) // 2, rows.total() - len(rows)


@pytest.mark.parametrize(
    "command", [("topics",), ("status",), ("tail", "predictions"), ("produce", "--key", "tailnum")]
)
def test_a_command_without_a_broker_says_so_in_a_line(
    unprovisioned: Callable[..., Endpoint], command: tuple[str, ...]
) -> None:
    done = unprovisioned(NOBODY).run(*command, check=False, stdin="{}")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"No broker answers at {NOBODY}" in done.stderr.splitlines()[-1]


def test_a_role_without_a_broker_waits_for_it_and_can_be_stopped(unprovisioned: Callable[..., Endpoint]) -> None:
    endpoint = unprovisioned(NOBODY)
    endpoint.start("router-0", "router")

    until(lambda: f"No broker answers at {NOBODY}" in endpoint.logged("router-0"), 30, "the reason in the log")

    assert endpoint.stop("router-0") == 0
    assert "Traceback" not in endpoint.logged("router-0")


@pytest.mark.kafka
def test_a_worker_of_a_model_that_is_not_there_names_those_that_are(flights_endpoint: Callable[..., Endpoint]) -> None:
    endpoint = flights_endpoint(PRODUCTION, [])

    done = endpoint.run("worker", "flights:v9", check=False)
    deploying = endpoint.run("deploy", "flights:v9", "--strategy", "shadow", check=False)

    assert (done.returncode, deploying.returncode) == (1, 1)
    assert "Traceback" not in done.stderr + deploying.stderr
    assert "flights:v9 is not deployed: run `understudy deploy flights:v9` first" in done.stderr
    assert "flights:v9 is not registered" in deploying.stderr
    assert "flights:v1, flights:v4" in deploying.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("nonsense",),
        ("worker",),
        ("worker", "flights"),
        ("deploy", "v2", "--strategy", "shadow"),
        ("router", "--nonsense"),
        ("produce", "--rate", "fast"),
        ("broker", "sell"),
        ("demo", "--broker", "nonsense"),
    ],
)
def test_wrong_usage_is_status_2_and_names_the_help(
    unprovisioned: Callable[..., Endpoint], command: tuple[str, ...]
) -> None:
    done = unprovisioned(NOBODY).run(*command, check=False)

    assert done.returncode == 2
    assert "--help" in done.stderr
    assert not done.stdout


@pytest.mark.kafka
def test_roles_whose_topics_were_not_made_name_the_command_that_makes_them(
    unprovisioned: Callable[..., Endpoint], kafka_bootstrap: str
) -> None:
    endpoint = unprovisioned(kafka_bootstrap)
    for command in (("router",), ("worker", PRODUCTION), ("comparator",)):
        done = endpoint.run(*command, check=False)

        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "understudy topics" in done.stderr.splitlines()[-1]
    assert endpoint.status()["problems"][0].endswith("Run understudy topics.")


@pytest.mark.kafka
def test_roles_that_are_stopped_amid_work_go_on_where_they_were(
    flights_endpoint: Callable[..., Endpoint], observer: Observer, produce_flights: Callable[[Endpoint, int], None]
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW])
    start(endpoint)
    produce_flights(endpoint, EVENTS // 2)
    until(lambda: endpoint.answered(PRODUCTION) > 0, 120, "the first answers")
    assert [endpoint.stop(slot) for slot in ROLES] == [0, 0, 0, 0]
    produce_flights(endpoint, EVENTS // 2)
    assert [problem.partition(":")[0] for problem in endpoint.status()["problems"]] == [
        "router is not running",
        "production flights",
        "shadow flights",
        "comparator is not running",
    ]

    start(endpoint)
    until(lambda: endpoint.compared(SHADOW) >= EVENTS, 120, "every pair")

    assert answers_twice(endpoint, observer) == (EVENTS, 0)
    assert endpoint.compared(SHADOW) == EVENTS
    assert endpoint.status()["problems"] == []
    assert all("stopped" in endpoint.logged(slot) for slot in ROLES)


@pytest.mark.kafka
def test_a_second_instance_of_a_slot_takes_over_and_the_first_says_why_it_ends(
    flights_endpoint: Callable[..., Endpoint], observer: Observer, produce_flights: Callable[[Endpoint, int], None]
) -> None:
    endpoint = flights_endpoint(PRODUCTION, [SHADOW])
    start(endpoint)
    produce_flights(endpoint, EVENTS // 2)
    until(lambda: endpoint.compared(SHADOW) > 0, 120, "the first pairs")
    older = {slot: endpoint.processes.pop(slot) for slot in ROLES}

    start(endpoint)
    produce_flights(endpoint, EVENTS // 2)

    assert [process.wait(timeout=60) for process in older.values()] == [1, 1, 1, 1]
    for slot in ROLES:
        assert f"{slot}, and this one must exit" in endpoint.logged(slot)
        assert "Traceback" not in endpoint.logged(slot)
    until(lambda: endpoint.compared(SHADOW) >= EVENTS, 120, "every pair")
    assert answers_twice(endpoint, observer) == (EVENTS, 0)
    assert endpoint.compared(SHADOW) == EVENTS
    assert [endpoint.stop(slot) for slot in ROLES] == [0, 0, 0, 0]
