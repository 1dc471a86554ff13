"""What the demo counts, from nothing but the rows that it reads back."""

from __future__ import annotations

import math
from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from understudy.deployments.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RECENT_ANSWERS: Final = 1_000
"""So many of the latest answers tell how long an answer takes now."""
RATE_WINDOW_S: Final = 3.0


class Flight(Protocol):
    """What the demo needs of examples.flights.events.Flight."""

    @property
    def key(self) -> bytes:
        """The plane's tail number."""

    @property
    def event(self) -> Mapping[str, Any]:
        """The fields of the event."""

    @property
    def late(self) -> bool | None:
        """The truth: whether it arrived 15 minutes late or more; None where that is not known."""


class Sent(NamedTuple):
    """A flight that was written. number: from 0 on, in the order of writing."""

    number: int
    flight: Flight
    written_s: float


@dataclass(slots=True)
class Answers:
    """Answers of one version. judged: those whose truth is known; right: those of them that were right."""

    answered: int = 0
    failed: int = 0
    judged: int = 0
    right: int = 0

    def add(self, row: Mapping[str, Any], truth: bool | None) -> None:
        """Count one row."""
        if row["outcome"] != "answered":
            self.failed += 1
            return
        self.answered += 1
        if truth is not None:
            self.judged += 1
            self.right += bool(row["label"]) == truth

    @property
    def accuracy(self) -> float | None:
        return self.right / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one version said of one flight, in a row. late: None for an error row. chance: of being late."""

    version: str
    revision: int
    late: bool | None
    chance: float | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A row that users can read. sent: its flight. opinion: of the version that answered. delay_ms: after writing."""

    sent: Sent
    routed: str
    opinion: Opinion
    partition: int
    offset: int
    delay_ms: float

    @property
    def revision(self) -> int:
        return self.opinion.revision

    @property
    def is_reclaimed(self) -> bool:
        """Whether another version answered than the one that was asked."""
        return self.opinion.version != self.routed

    @property
    def is_right(self) -> bool | None:
        """None where the truth is not known."""
        return right(self.opinion, self.sent.flight)


class Adopted(NamedTuple):
    """Where the router took up a plan, by its own row: from an input partition's offset on."""

    partition: int
    base_offset: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Differing:
    """A flight that production and a candidate answered differently, as JSON."""

    flight: Flight
    production: str
    candidate: str


@dataclass
class Figures:
    """Counts of one run.

    sent, answers: by event id and by number. waiting: numbers that are not answered. opinions: by number, of rows that
    users do not read. answered_in: users' answers by revision and version. visible_s: when some answers became
    visible. strangers: rows of no flight of ours.
    """

    sent: dict[str, Sent] = field(default_factory=dict)
    waiting: dict[int, Sent] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    opinions: dict[int, list[Opinion]] = field(default_factory=dict)
    answered_in: Counter[tuple[int, str]] = field(default_factory=Counter)
    of_version: dict[str, Answers] = field(default_factory=dict)
    adopted: list[Adopted] = field(default_factory=list)
    differing: dict[tuple[str, int], list[Differing]] = field(default_factory=dict)
    visible_s: list[float] = field(default_factory=list)
    latest: Answer | None = None
    failed: int = 0
    doubled: int = 0
    strangers: int = 0
    _recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=RECENT_ANSWERS))

    def produced(self, flight: Flight, now_s: float) -> None:
        """An event is about to be written."""
        sent = Sent(len(self.sent), flight, now_s)
        self.sent[flight.event["event_id"]] = self.waiting[sent.number] = sent

    def prediction(self, row: Mapping[str, Any], now_s: float) -> None:
        """A row became visible in the topic that users read."""
        sent = self.sent.get(row["event_id"])
        if sent is None:
            self.strangers += 1
            return
        if sent.number in self.answers:
            self.doubled += 1
            return
        answer = Answer(
            sent,
            row["routed_version"],
            opinion_of(row),
            row["source_partition"],
            row["source_offset"],
            (now_s - sent.written_s) * 1_000,
        )
        self.answers[sent.number] = self.latest = answer
        self.waiting.pop(sent.number, None)
        self.failed += row["outcome"] != "answered"
        self.answered_in[answer.revision, answer.opinion.version] += 1
        self.of_version.setdefault(answer.opinion.version, Answers()).add(row, sent.flight.late)
        self._recent_ms.append(answer.delay_ms)

    def visible(self, now_s: float) -> None:
        """Some answers became visible."""
        self.visible_s.append(now_s)

    def shadow_prediction(self, row: Mapping[str, Any]) -> None:
        """A row became visible in the topic of the answers that users do not read; withdrawn ones are no answers."""
        sent = self.sent.get(row["event_id"])
        if row["outcome"] != "withdrawn" and sent is not None:
            self.opinions.setdefault(sent.number, []).append(opinion_of(row))

    def route(self, row: Mapping[str, Any]) -> None:
        """A row of the router's became visible: keep where plans were taken up."""
        if row["kind"] == "adopted" and row["plan"] is not None:
            self.adopted.append(Adopted(row["source_partition"], row["base_offset"], Plan.of_json(row["plan"])))

    def comparison(self, row: Mapping[str, Any]) -> None:
        """A row of the comparator's became visible: keep the examples in it."""
        if row["slice"] is None and row["examples"]:
            self.differing.setdefault((row["version"], row["revision"]), []).extend(
                Differing(sent.flight, example["production"], example["candidate"])
                for example in row["examples"]
                if example["kind"] == "mismatched" and (sent := self.sent.get(example["event_id"])) is not None
            )

    def answers_in(self, revision: int) -> Iterator[Answer]:
        """Users' answers under a plan, in the order of writing."""
        return (self.answers[n] for n in sorted(self.answers) if self.answers[n].revision == revision)

    def count_in(self, revision: int, version: str | None = None) -> int:
        """How many there are, of all versions or of one."""
        return sum(count for (at, of), count in self.answered_in.items() if at == revision and version in (None, of))

    def recent_delay_ms(self) -> float | None:
        """The median delay of the latest answers."""
        return quantile(self._recent_ms, 0.5)


def opinion_of(row: Mapping[str, Any]) -> Opinion:
    """What a row says."""
    answered = row["outcome"] == "answered"
    chances = row.get("probabilities")
    return Opinion(
        row["answered_version"],
        row["revision"],
        bool(row["label"]) if answered else None,
        chances[-1] if answered and chances else None,
    )


def right(opinion: Opinion, flight: Flight) -> bool | None:
    """Whether an opinion came true; None where nobody knows, and False for an error row."""
    return None if flight.late is None else opinion.late == flight.late


@dataclass(slots=True)
class Meter:
    """How fast a count grows, over the last seconds."""

    window_s: float = RATE_WINDOW_S
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def rate_per_s(self, count: int, now_s: float) -> float:
        """Take the count as it is now, and say how fast it has grown since the beginning of the window."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > self.window_s:
            self._samples.popleft()
        first_s, first = self._samples[0]
        return (count - first) / (now_s - first_s) if now_s > first_s else 0.0


def quantile(values: Sequence[float] | deque[float], q: float) -> float | None:
    """The smallest value that at least a share q of all does not exceed; None of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(q * len(values)) - 1)]


def longest_gap_ms(times_s: Sequence[float], since_s: float, until_s: float) -> float | None:
    """The longest time between two neighbours, of which at least the second is in the span; None of none."""
    gaps = [(after - before) * 1_000 for before, after in pairwise(times_s) if after >= since_s and before <= until_s]
    return max(gaps, default=None)
