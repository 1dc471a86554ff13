"""The plan changes 20 times under load, while instances come and go: an independent reader finds nothing wrong.

UNDERSTUDY_TEST_RECORDS (300,000) and UNDERSTUDY_TEST_RECORDS_PER_S (4,000) set the size of the run.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import TYPE_CHECKING, Literal

import pytest
from support.checking.checker import check
from support.checking.reading import read
from support.checking.rest import is_at_rest
from support.endpoint import PATIENCE_S, until
from support.load import Load, Watch
from support.release_rig import PRODUCTION, encoded_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.endpoint import Endpoint
    from support.observer import Observer

pytestmark = pytest.mark.kafka
log = logging.getLogger(__name__)

RECORDS = int(os.environ.get("UNDERSTUDY_TEST_RECORDS", "300000"))
RECORDS_PER_S = int(os.environ.get("UNDERSTUDY_TEST_RECORDS_PER_S", "4000"))

ROLES = {
    "router-0": ("router",),
    "router-1": ("router",),
    "workers-0": ("worker", "--follow"),
    "workers-1": ("worker", "--follow"),
    "comparator-0": ("comparator",),
}

CHANGES: tuple[tuple[str, ...], ...] = (
    ("deploy", "sums:v2", "--strategy", "shadow"),
    ("deploy", "sums:v5", "--strategy", "shadow"),
    ("deploy", "sums:v3", "--strategy", "canary", "--share", "1"),
    ("deploy", "sums:v3", "--strategy", "canary", "--share", "5"),
    ("deploy", "sums:v3", "--strategy", "canary", "--share", "25"),
    ("deploy", "sums:v3", "--strategy", "canary", "--share", "100"),
    ("promote", "sums:v3"),
    ("rollback", "sums:v5"),
    ("deploy", "sums:v4", "--strategy", "canary", "--share", "1", "--unmirrored"),
    ("deploy", "sums:v4", "--strategy", "canary", "--share", "25", "--unmirrored"),
    ("deploy", "sums:v4", "--strategy", "canary", "--share", "25", "--mirrored"),
    ("rollback", "sums:v4"),
    ("promote", "sums:v2"),
    ("rollback", "sums:v2"),
    ("deploy", "sums:v5", "--strategy", "canary", "--share", "5"),
    ("deploy", "sums:v5", "--strategy", "canary", "--share", "25"),
    ("rollback", "sums:v5"),
    ("deploy", "sums:v4", "--strategy", "shadow"),
    ("deploy", "sums:v4", "--strategy", "basic"),
    ("deploy", "sums:v1", "--strategy", "shadow"),
)
"""After v1 went into production: shadows, two at a time; a mirrored canary ramped and promoted; an unmirrored one that
becomes mirrored and is taken back; a promotion taken back; redeployments of what was taken back."""


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens to an instance beside a change."""

    slot: str
    how: Literal["killed", "stopped"]


DISTURBANCES = (
    Disturbance("router-0", "killed"),
    Disturbance("workers-0", "killed"),
    Disturbance("router-1", "stopped"),
    Disturbance("workers-1", "stopped"),
    Disturbance("comparator-0", "killed"),
)


def test_20_changes_under_load_with_instances_that_come_and_go(
    make_release: Callable[..., Endpoint], observer: Observer
) -> None:
    release = make_release()
    for slot, arguments in ROLES.items():
        release.start(slot, *arguments)
    release.run("deploy", PRODUCTION, "--strategy", "basic")
    load = Load(release.bootstrap, f"{release.name}.input", encoded_events(), RECORDS_PER_S, brisk_to=0)
    with Watch(release.bootstrap, release.name) as watch, load:
        for revision, (change, disturbance) in enumerate(zip(CHANGES, cycle(DISTURBANCES), strict=False), 2):
            log.info("revision %d: %s, %s %s", revision, " ".join(change), disturbance.slot, disturbance.how)
            load.brisk_to = RECORDS * (revision - 1) // len(CHANGES)
            disturb(release, disturbance)
            release.run(*change)
            if disturbance.slot not in release.processes:
                release.start(disturbance.slot, *ROLES[disturbance.slot])
            until(partial(is_answered, watch, revision), PATIENCE_S, f"answers under revision {revision}: {change}")
        until(lambda: load.sent >= RECORDS, PATIENCE_S, f"{RECORDS:,} records")
        sent = load.stop()
        until(lambda: watch.count >= sent, PATIENCE_S, f"{sent:,} answers")

    until(lambda: is_at_rest(observer, release.name, sent), PATIENCE_S, "everything to be counted")
    assert check(read(observer, release.name)) == []
    assert release.status()["ledger"]["residual"] == 0
    assert [slot for slot in ROLES if "Traceback" in release.logged(slot)] == []
    assert [release.stop(slot) for slot in ROLES] == [0] * len(ROLES)


def disturb(release: Endpoint, disturbance: Disturbance) -> None:
    """Killed, and started again at once; or stopped, and away while the plan changes."""
    if disturbance.how == "killed":
        release.kill(disturbance.slot)
        release.start(disturbance.slot, *ROLES[disturbance.slot])
    else:
        assert release.stop(disturbance.slot) == 0, release.logged(disturbance.slot)


def is_answered(watch: Watch, revision: int) -> bool:
    return any(answer.revision >= revision for answer in watch.answers(2_000))
