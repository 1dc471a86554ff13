from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from understudy.core.log.kafka.group import MAX_POLL_INTERVAL_S
from understudy.models.isolation import BUDGET_S, IsolatedScorer
from understudy.models.outputs import Answer, Failure
from understudy.models.scoring import Scored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROWS: Sequence[Mapping[str, object]] = [{"x": float(x)} for x in range(200)]
LIMIT_BYTES = 64 << 20


@dataclass
class Fatal:
    """Answers 2x, but for rows that end its process, each in its own way."""

    ends: Mapping[float, str]
    calls: int = 0

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        self.calls += 1
        numbers = [float(str(row["x"])) for row in rows]
        for x in numbers:
            end(self.ends.get(x, ""))
        return Scored([Answer(number=2 * x) for x in numbers], 1_000)


class Slow(Fatal):
    """Takes its time for every call."""

    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        threading.Event().wait(0.3)
        return super().score(rows)


def end(how: str) -> None:
    match how:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "leave":
            sys.exit(0)
        case "hang":
            threading.Event().wait(600)
        case "memory":
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (LIMIT_BYTES, hard))
            bytearray(2 * LIMIT_BYTES)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("kill", "was killed by SIGKILL"),
        ("exit", "exited with status 3"),
        ("leave", "exited with status 1"),
        ("memory", "exited with status 1"),
    ],
)
def test_a_record_that_kills_the_model_fails_alone(how: str, message: str) -> None:
    with IsolatedScorer(Fatal({77.0: how}), timeout_s=30) as scorer:
        scored = scorer.score(ROWS)

    assert scored.results[77] == Failure("killed", f"the process that scored this record alone {message}")
    assert [result for row, result in enumerate(scored.results) if row != 77] == [
        Answer(number=2.0 * x) for x in range(200) if x != 77
    ]


def test_a_record_that_hangs_is_killed_when_its_time_is_over() -> None:
    with IsolatedScorer(Fatal({1.0: "hang"}), timeout_s=0.2) as scorer:
        results = scorer.score(ROWS[:3]).results

    assert results == [
        Answer(number=0.0),
        Failure("killed", "the process that scored this record alone did not answer within 0.2 s"),
        Answer(number=4.0),
    ]


def test_once_a_micro_batch_has_taken_too_long_its_parts_get_less_time() -> None:
    began_s = time.monotonic()
    with IsolatedScorer(Fatal({20.0: "hang"}), timeout_s=2, least_s=0.4) as scorer:
        results = scorer.score(ROWS[:32]).results

    assert results[20] == Failure("killed", "the process that scored this record alone did not answer within 0.4 s")
    assert [row for row, result in enumerate(results) if isinstance(result, Failure)] == [20]
    assert time.monotonic() - began_s < 6 * 2


def test_records_that_are_killed_at_once_cost_the_others_no_time_to_answer() -> None:
    with IsolatedScorer(Slow({0.0: "kill"}), timeout_s=30, least_s=0.1) as scorer:
        results = scorer.score(ROWS[:4]).results

    assert [isinstance(result, Failure) for result in results] == [True, False, False, False]


def test_when_the_time_is_over_the_records_that_nobody_could_ask_about_alone_fail() -> None:
    fatal = dict.fromkeys(map(float, range(8, 16)), "hang")
    with IsolatedScorer(Fatal(fatal), timeout_s=1, budget_s=2.5) as scorer:
        results = scorer.score(ROWS[:16]).results

    assert results[:8] == [Answer(number=2.0 * x) for x in range(8)]
    assert {result.message for result in results[8:] if isinstance(result, Failure)} == {
        "the model did not survive a micro-batch with this record, and no time was left to find out which record it was"
    }
    assert len(results) == 16


def test_a_transaction_with_a_micro_batch_of_each_lane_ends_before_membership_is_lost() -> None:
    assert 2 * BUDGET_S < 0.9 * MAX_POLL_INTERVAL_S


def test_who_waits_is_heard_of_all_the_time() -> None:
    ticked_s: list[float] = [time.monotonic()]
    with IsolatedScorer(Fatal({0.0: "hang"}), timeout_s=2.5, tick=lambda: ticked_s.append(time.monotonic())) as scorer:
        scorer.score(ROWS[:1])

    ticked_s.append(time.monotonic())
    assert max(after - before for before, after in pairwise(ticked_s)) < 2


def test_several_fatal_records_are_all_found() -> None:
    fatal = {3.0: "kill", 4.0: "exit", 150.0: "kill", 199.0: "kill"}
    with IsolatedScorer(Fatal(fatal), timeout_s=30) as scorer:
        results = scorer.score(ROWS).results

    assert [row for row, result in enumerate(results) if isinstance(result, Failure)] == [3, 4, 150, 199]


def test_a_model_that_dies_of_everything_fails_every_record_without_trying_each() -> None:
    with IsolatedScorer(Fatal(dict.fromkeys(map(float, range(1_000)), "hang")), timeout_s=0.05) as scorer:
        results = scorer.score([{"x": float(x)} for x in range(1_000)]).results

    assert len(results) == 1_000
    assert {result.kind for result in results if isinstance(result, Failure)} == {"killed"}


def test_this_process_never_scores_and_the_times_add_up() -> None:
    model = Fatal({100.0: "hang"})
    with IsolatedScorer(model, timeout_s=0.5) as scorer:
        scored = scorer.score(ROWS[:4])
        slow = scorer.score(ROWS[100:101])

    assert model.calls == 0
    assert scored.model_time_ns == 1_000
    assert slow.model_time_ns > 400_000_000


def test_a_large_answer_comes_through_whole() -> None:
    with IsolatedScorer(Large(), timeout_s=30) as scorer:
        [answer] = scorer.score(ROWS[:1]).results

    assert isinstance(answer, Answer)
    assert answer.values == ["x" * 1_000_000]


class Large:
    def score(self, rows: Sequence[Mapping[str, object]]) -> Scored:
        return Scored([Answer(values=["x" * 1_000_000]) for _ in rows], 0)


def test_nothing_is_left_running_once_it_is_closed() -> None:
    scorer = IsolatedScorer(Fatal({0.0: "kill"}), timeout_s=30)
    scorer.score(ROWS[:2])

    scorer.close()
    scorer.close()

    with pytest.raises(ProcessLookupError):
        os.kill(scorer._template._process_id, 0)
