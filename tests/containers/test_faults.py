"""The compose file as it is: what happens to containers costs no answer, and doubles none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.checking.checker import check
from support.checking.reading import read
from support.compose_stack import BROKER, ENDPOINT, FAULTS
from support.endpoint import until
from support.load import Load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.compose_stack import Stack
    from support.observer import Observer

pytestmark = pytest.mark.docker

ROLES = ("router", "worker", "comparator")
CANARY = "flights:v4"
PER_S = 300
MEANWHILE = 300
"""Events that are sent before, during and after a fault."""


def test_a_client_outside_is_answered(stack: Stack, observer: Observer, flights: Sequence[bytes]) -> None:
    with Load(stack.bootstrap, f"{ENDPOINT}.input", flights, 10 * PER_S) as load:
        send(load, 10 * MEANWHILE)

    assert_exact(stack, observer)


def test_a_canary_is_deployed_from_inside_while_events_come(
    stack: Stack, observer: Observer, flights: Sequence[bytes]
) -> None:
    with Load(stack.bootstrap, f"{ENDPOINT}.input", flights, PER_S) as load:
        stack.understudy("deploy", CANARY, "--strategy", "canary", "--share", "20")
        send(load, MEANWHILE)

    assert_exact(stack, observer)
    assert {(lane["version"], lane["role"]) for lane in stack.status()["lanes"]} == {
        ("flights:v1", "answering"),
        ("flights:v1", "shadow"),
        (CANARY, "answering"),
    }


@pytest.mark.parametrize("service", [*ROLES, BROKER])
@pytest.mark.parametrize("fault", FAULTS)
def test_after_a_fault_each_event_is_answered_exactly_once(
    stack: Stack, observer: Observer, flights: Sequence[bytes], fault: str, service: str
) -> None:
    with Load(stack.bootstrap, f"{ENDPOINT}.input", flights, PER_S) as load:
        send(load, MEANWHILE)
        with FAULTS[fault](stack, service):
            send(load, MEANWHILE)
        send(load, MEANWHILE)

    assert_exact(stack, observer)


def send(load: Load, count: int) -> None:
    """Wait until so many more were sent."""
    enough = load.sent + count
    until(lambda: load.sent >= enough, 60, f"{count} more events are sent")


def assert_exact(stack: Stack, observer: Observer) -> None:
    """Wait until the comparator has counted everything; then nothing is missing, doubled or in the wrong place."""
    try:
        until(lambda: at_rest(stack), 300, "everything is answered and counted")
    except AssertionError as late:
        raise AssertionError(f"{late}; {stack.input_records():,} were sent: {stack.status()}") from late
    # The checker matches pairs by their labels, and this endpoint has a tolerance besides.
    assert [each for each in check(read(observer, ENDPOINT)) if each.kind != "wrong_pairs"] == []
    canaries = [lane for lane in stack.status()["lanes"] if lane["version"] == CANARY]
    assert all(lane["comparison"]["pairs"] == lane["routed"] for lane in canaries)


def at_rest(stack: Stack) -> bool:
    """Whether each event has its answer, all other lanes have theirs, and nothing is wrong."""
    status, sent = stack.status(), stack.input_records()
    answering = sum(lane["routed"] for lane in status["lanes"] if lane["role"] == "answering")
    ledger = status["ledger"]
    return answering == sent and ledger["in_flight"] == ledger["residual"] == 0 and not status["problems"]
