"""Changes a canary's share while answers are watched, and what users notice of it."""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from support.endpoint import PATIENCE_S, TICK, until
from support.observer import Rows

from understudy.core.log.kafka import KafkaLog
from understudy.core.topics import EndpointTopics
from understudy.deployments.log import DeploymentsLog
from understudy.deployments.proposals import deploy_canary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from support.load import Visible, Watch
    from support.observer import Observer

    from understudy.deployments.events import Draft
    from understudy.deployments.fold import State

SHARES_PPM: Final = (20_000, 50_000, 30_000, 100_000)


class Changes:
    """Appends plans for a canary that is there already, as a program would."""

    def __init__(self, bootstrap: str, endpoint: str, canary: str) -> None:
        self._deployments = DeploymentsLog(KafkaLog(bootstrap), EndpointTopics(endpoint), "changes")
        self._canary = canary
        self._shares = cycle(SHARES_PPM)

    def change(self) -> int:
        """Give the canary another share; the plan's revision."""
        share_ppm = next(self._shares)

        def propose(state: State) -> Draft | None:
            return deploy_canary(state, self._canary, share_ppm)

        event = self._deployments.append(propose)
        assert event is not None
        assert event.plan is not None
        return event.plan.revision

    def several(self, watch: Watch, times: int, patience_s: float = PATIENCE_S) -> list[int]:
        """One change after the other, as soon as answers under the last one are seen; their revisions."""
        done = []
        for _ in range(times):
            revision = self.change()
            done.append(revision)
            until(partial(_is_answered, watch, revision), patience_s, f"answers under revision {revision}")
        return done


def _is_answered(watch: Watch, revision: int) -> bool:
    return any(answer.revision >= revision for answer in watch.answers(2_000))


def planned_s(observer: Observer, endpoint: str) -> dict[int, float]:
    """When each plan was appended, by the broker's clock, which is that of this machine."""
    rows = Rows("deployment")
    events = ((seen, rows.decode(seen.value)) for seen in observer.records(f"{endpoint}.deployments"))
    return {row["plan"]["revision"]: seen.timestamp_ms / 1_000 for seen, row in events if row["kind"] == "planned"}


def effects_s(answers: Iterable[Visible], planned: Mapping[int, float]) -> dict[int, float]:
    """For each plan, how long it took until a user had the first answer under it."""
    first: dict[int, float] = {}
    for answer in answers:
        first.setdefault(answer.revision, answer.seen_s)
    return {revision: first[revision] - at_s for revision, at_s in planned.items() if revision in first}


def longest_gap_s(answers: Iterable[Visible], begin_s: float, end_s: float) -> float:
    """The longest time, between two moments, in which some partition had no visible answer."""
    seen: defaultdict[int, list[float]] = defaultdict(list)
    for answer in answers:
        if begin_s <= answer.seen_s <= end_s:
            seen[answer.partition].append(answer.seen_s)
    assert seen, "no answer in this time"
    return max(later - earlier for times in seen.values() for earlier, later in pairwise([begin_s, *times, end_s]))


def latencies_s(answers: Iterable[Visible], begin_s: float, end_s: float, version: str | None = None) -> list[float]:
    """Of the events sent between two moments, from being sent to being answered; of a version's own alone."""
    return [
        answer.latency_s
        for answer in answers
        if begin_s <= answer.sent_s <= end_s and version in {None, answer.version}
    ]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    return float(np.quantile(values, share))


def pass_time(seconds_s: float) -> tuple[float, float]:
    """Let users be served for so long; when that began and ended."""
    begin_s = time.time()
    TICK.wait(seconds_s)
    return begin_s, time.time()
