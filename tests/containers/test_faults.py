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
PER_S = 300
MEANWHILE = 300
"""Events that are sent before, during and after a fault."""


def test_a_client_outside_is_answered(stack: Stack, observer: Observer, flights: Sequence[bytes]) -> None:
    with Load(stack.bootstrap, f"{ENDPOINT}.input", flights, 10 * PER_S) as load:
        send(load, 10 * MEANWHILE)

    assert_exact(stack, observer)


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
    until(lambda: at_rest(stack), 120, "everything is answered and counted")

    evidence = read(observer, ENDPOINT)
    assert check(evidence) == []
    assert stack.status()["problems"] == []


def at_rest(stack: Stack) -> bool:
    ledger = stack.status()["ledger"]
    sent = stack.input_records()
    return bool(ledger["routed"] == ledger["accounted"] == sent and ledger["residual"] == 0)
