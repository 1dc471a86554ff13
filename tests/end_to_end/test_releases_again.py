"""A version that was taken back with much left to do is released again."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.checking.checker import check
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.load import Load, Watch
from support.release_rig import PRODUCTION, encoded_events, release

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka

CANARY = "sums:v2"
PER_S = 400


def test_what_is_redeployed_starts_after_what_was_left(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    """The canary is stopped in its tracks and taken back; once what it left is done, it is released again."""
    endpoint = make_release()
    release(endpoint, PRODUCTION, "basic")
    release(endpoint, CANARY, "canary", "--share", "50")
    for slot, arguments in {
        "router-0": ("router",),
        "production-0": ("worker", PRODUCTION),
        "canary-0": ("worker", CANARY),
        "comparator-0": ("comparator",),
    }.items():
        endpoint.start(slot, *arguments)
    load = Load(endpoint.bootstrap, f"{endpoint.name}.input", encoded_events(), PER_S)
    with Watch(endpoint.bootstrap, endpoint.name) as watch, load:
        until(lambda: any(each.version == CANARY for each in watch.answers()), PATIENCE_S, "answers by the canary")
        endpoint.processes["canary-0"].send_signal(signal.SIGSTOP)
        behind = load.sent + 2 * PER_S
        until(lambda: load.sent > behind, PATIENCE_S, "a backlog")
        endpoint.run("rollback", CANARY)
        left = load.sent
        endpoint.start("workers-0", "worker", "--follow")
        until(lambda: watch.count >= left, PATIENCE_S, "answers to what was left")
        endpoint.run("deploy", CANARY, "--strategy", "canary", "--share", "50")
        again = load.sent + 2 * PER_S
        until(lambda: load.sent > again, PATIENCE_S, "records for the canary that is back")
        endpoint.processes["canary-0"].send_signal(signal.SIGCONT)
        sent = load.stop()
        until(lambda: watch.count >= sent, PATIENCE_S, "every answer")
    until(partial(is_at_rest, observer, endpoint.name, sent), PATIENCE_S, "everything to be counted")

    evidence = read(observer, endpoint.name)
    assert check(evidence) == []
    rows = [row for each in evidence.predictions.values() for row in each if row.routed_version == CANARY]
    reclaimed = {row.revision for row in rows if row.answered_version == PRODUCTION}
    back = {row.revision for row in rows if row.answered_version == CANARY}
    assert reclaimed == {2}
    assert back == {2, 4}
