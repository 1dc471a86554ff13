"""Scoring in throwaway processes, so that a record that kills them costs an error row and nothing else."""

from __future__ import annotations

import os
import pickle
import select
import signal
import time
import warnings
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from understudy.core.exits import told_exit
from understudy.models.outputs import Failure
from understudy.models.scoring import Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.connection import Connection

    from understudy.models.scoring import Result, Scorer

    Rows: TypeAlias = Sequence[Mapping[str, object]]

EXACT_ROWS: Final = 32
"""A fatal micro-batch of at most this many rows is always halved down to the rows that kill."""
PROBES: Final = 8
"""Rows of a larger one that are tried alone first. If each of them is fatal, it is the model."""
LEAST_S: Final = 1.0
"""What each part of a micro-batch gets, however small it is, once the model has taken too long."""
BUDGET_S: Final = 240.0
"""What a micro-batch gets in all. A transaction ends with the first that took long, of each lane, and whoever does not
poll for ten minutes loses its partitions, and with them all that it has found out."""
TICK_S: Final = 1.0
CHUNK_BYTES: Final = 1 << 16


def unheard() -> None:
    """Where nobody listens."""


@dataclass(frozen=True, slots=True)
class Death:
    """A process ended before it had scored its rows. how: `was killed by SIGKILL`, for instance. hung: it was late."""

    how: str
    hung: bool = False


class IsolatedScorer:
    """Scores as `scorer` does, but never in this process: a record that kills the model's process fails as `killed`.

    Every call gets a process of its own, which is forked from a pristine copy of this one. The copy is made here, and
    never scores itself: what threads and libraries hold while a model computes is then held in no fork. A process
    that dies, or takes longer than `timeout_s`, is followed by two that get half of its rows each, until the record
    is found; if all of some single rows are fatal, it is the model, and all of them fail. Close it, or the copy stays
    until this process ends. Raises OSError where no process can be made.

    Once one was late, a part has only its share of `timeout_s`, by its rows, and `least_s` at least: one record of a
    thousand that hangs then costs about a minute, and twenty about four. No micro-batch takes longer than `budget_s`:
    where that is not enough, the records that nobody could be asked about alone fail too, and say so.

    tick: called about every second while a process may still answer.
    """

    def __init__(
        self,
        scorer: Scorer,
        timeout_s: float,
        *,
        least_s: float = LEAST_S,
        budget_s: float = BUDGET_S,
        tick: Callable[[], None] = unheard,
    ) -> None:
        self._timeout_s: Final = timeout_s
        self._least_s: Final = least_s
        self._budget_s: Final = budget_s
        self._template: Final = _Template(scorer, tick)

    def score(self, rows: Rows) -> Scored:
        """See `Scorer.score`. model_time_ns: what the processes that survived measured, and all of the others'."""
        patience = _Patience(self._timeout_s, self._least_s, len(rows), time.monotonic() + self._budget_s)
        scored = self._attempt(rows, patience)
        return Scored(scored.results, scored.model_time_ns + patience.lost_ns)

    def _attempt(self, rows: Rows, patience: _Patience) -> Scored:
        """Everything at once; where that is fatal, in parts."""
        found = self._ask(rows, patience)
        if found is None:
            return Scored([NO_TIME] * len(rows), 0)
        if isinstance(found, Scored):
            return found
        if len(rows) == 1:
            return Scored([_failure(found)], 0)
        if len(rows) > EXACT_ROWS and (everywhere := self._death_of_all(rows, patience)):
            return Scored([_failure(everywhere)] * len(rows), 0)
        half = len(rows) // 2
        first, second = self._attempt(rows[:half], patience), self._attempt(rows[half:], patience)
        return Scored([*first.results, *second.results], first.model_time_ns + second.model_time_ns)

    def _death_of_all(self, rows: Rows, patience: _Patience) -> Death | None:
        """How all rows end, if `PROBES` of them are each fatal, spread evenly."""
        death = None
        for probe in range(PROBES):
            row = probe * len(rows) // PROBES
            found = self._ask(rows[row : row + 1], patience)
            if not isinstance(found, Death):
                return None
            death = found
        return death

    def _ask(self, rows: Rows, patience: _Patience) -> Scored | Death | None:
        """What becomes of rows; None where there is no time left to find out."""
        timeout_s = patience.timeout_s(len(rows))
        if time.monotonic() + timeout_s > patience.until_s:
            return None
        began_ns = time.perf_counter_ns()
        found = self._template.ask(rows, timeout_s)
        if isinstance(found, Death):
            patience.lost_ns += time.perf_counter_ns() - began_ns
            patience.is_short |= found.hung
        return found

    def close(self) -> None:
        """End the copy of this process."""
        self._template.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(slots=True)
class _Patience:
    """How long the parts of one micro-batch may take.

    is_short: one has taken too long. lost_ns: the time of those that were fatal.
    """

    whole_s: float
    least_s: float
    rows: int
    until_s: float
    is_short: bool = False
    lost_ns: int = 0

    def timeout_s(self, rows: int) -> float:
        """Of a part."""
        return min(self.whole_s, max(self.least_s, self.whole_s * rows / self.rows)) if self.is_short else self.whole_s


NO_TIME: Final = Failure(
    "killed",
    "the model did not survive a micro-batch with this record, and no time was left to find out which record it was",
)


def _failure(death: Death) -> Result:
    return Failure("killed", f"the process that scored this record alone {death.how}")


class _Template:
    """The pristine copy: a process that forks one for each request, and hands on what that says."""

    def __init__(self, scorer: Scorer, tick: Callable[[], None]) -> None:
        self._tick: Final = tick
        self._link, theirs = Pipe()
        self._process_id = _fork()
        if self._process_id == 0:
            self._link.close()
            _serve(theirs, scorer)
        theirs.close()

    def ask(self, rows: Rows, timeout_s: float) -> Scored | Death:
        """Raises EOFError or OSError when the copy itself is gone."""
        until_s = time.monotonic() + timeout_s
        self._tick()
        self._link.send((rows, timeout_s))
        while time.monotonic() < until_s and not self._link.poll(TICK_S):
            self._tick()
        data = self._link.recv_bytes()
        answer = pickle.loads(data)  # noqa: S301 - from our own fork, over a pipe that nobody else has
        assert isinstance(answer, Scored | Death)  # noqa: S101 - tells mypy
        return answer

    def close(self) -> None:
        if not self._link.closed:
            self._link.close()
            os.waitpid(self._process_id, 0)


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of locks that other threads hold at a fork. This copy touches no log, no client, no follower.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _serve(link: Connection, scorer: Scorer) -> None:
    """Answer requests until the other end is closed, or its process is gone. Never returns."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever is told to stop finishes its transaction first
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while True:
            rows, timeout_s = link.recv()
            link.send_bytes(_throwaway(scorer, rows, timeout_s))
    except (EOFError, OSError):
        os._exit(0)
    finally:
        os._exit(1)


def _throwaway(scorer: Scorer, rows: Rows, timeout_s: float) -> bytes:
    """What a process of its own says of the rows, or a Death; pickled."""
    reading, writing = os.pipe()
    process_id = os.fork()
    if process_id == 0:
        os.close(reading)
        _score_and_exit(scorer, rows, writing, timeout_s)
    os.close(writing)
    try:
        said = _read_all(reading, time.monotonic() + timeout_s)
    finally:
        os.close(reading)
    if said is None:
        os.kill(process_id, signal.SIGKILL)
    _, status = os.waitpid(process_id, 0)
    code = os.waitstatus_to_exitcode(status)
    if said and code == 0:
        return said
    if said is None:
        return pickle.dumps(Death(f"did not answer within {timeout_s:.3g} s", hung=True))
    return pickle.dumps(Death(told_exit(code)))


def _score_and_exit(scorer: Scorer, rows: Rows, writing: int, timeout_s: float) -> None:
    """Never returns. The alarm ends a process whose parent is gone."""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(timeout_s) + 2)
        with os.fdopen(writing, "wb") as out:
            out.write(pickle.dumps(scorer.score(rows)))
        os._exit(0)
    finally:
        os._exit(1)


def _read_all(reading: int, deadline_s: float) -> bytes | None:
    """All until the other end is closed; None where that takes too long."""
    chunks: list[bytes] = []
    while True:
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline_s - time.monotonic()))
        if not ready:
            return None
        chunk = os.read(reading, CHUNK_BYTES)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
