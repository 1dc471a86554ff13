"""Which topics to read more slowly, and which tracks to park: pure decisions from what waits in memory.

After a pause the three topics are read from the past, and not evenly. A lane whose rows have merely not been read
yet is not late; so the topics are kept in step by the times at which a broker stored their rows, as long as rows
keep coming. A track that is late although its topic is read up to the present is parked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from comparator.feeds import answers_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from comparator.backlog import Backlog
    from comparator.feeds import Feed
    from comparator.join import Join
    from comparator.tracks import Kind, Track
    from understudy.core.batches import Batch

SLACK_MS: Final = 1_000
"""Topics that are read at the same time may be so far apart in stored time."""

QUIET_S: Final = 2.0
"""A topic that has brought nothing for so long is read up to the present."""


@dataclass(slots=True)
class Stream:
    """Where the reading of one topic stands."""

    stored_ms: int | None = None
    heard_s: float = float("-inf")

    def hear(self, batch: Batch, now_s: float) -> None:
        """Take note of a batch."""
        self.stored_ms, self.heard_s = batch.append_time_ms, now_s


@dataclass(slots=True)
class Flow:
    """Keeps what waits in memory bounded. max_lag_records: a track further behind is parked."""

    max_lag_records: int
    streams: dict[Feed, Stream] = field(
        default_factory=lambda: {"routes": Stream(), "predictions": Stream(), "shadow_predictions": Stream()}
    )

    @property
    def room(self) -> int:
        """Rows of a topic that may be read ahead of the others."""
        return max(1, self.max_lag_records // 2)

    def trails(self, feed: Feed, other: Feed, now_s: float) -> bool:
        """Whether a topic is still being read from the past, compared with another one."""
        mine, theirs = self.streams[feed], self.streams[other]
        if mine.stored_ms is None or theirs.stored_ms is None or now_s - mine.heard_s > QUIET_S:
            return False
        return mine.stored_ms + SLACK_MS < theirs.stored_ms

    def paused(self, join: Join, now_s: float) -> set[Feed]:
        """The topics that are far enough ahead of the others."""
        paused: set[Feed] = set()
        shadows, canaries, answering = of_kind(join, "shadow"), of_kind(join, "canary"), of_kind(join, "answering")
        if (self._is_ahead(join, shadows) or self._wait(canaries)) and self.trails(
            "shadow_predictions", "predictions", now_s
        ):
            paused.add("predictions")
        if self._wait(shadows) and self.trails("predictions", "shadow_predictions", now_s):
            paused.add("shadow_predictions")
        owing = [backlog for backlog in join.backlogs.values() if backlog.frames]
        if owing and min(len(backlog.frames) for backlog in owing) > self.room and self._routes_lead(now_s):
            paused.add("routes")
        # Answers always have routes: there is nothing to do but to wait for them.
        paused |= {
            answers_of(each.track.kind) for each in (*shadows, *answering) if not each.frames and self._wait([each])
        }
        return paused

    def late(self, join: Join, now_s: float) -> list[Track]:
        """The tracks to park, answering lanes last."""
        tracks = [each for each in (*join.candidates(), *join.answering()) if each.frames]
        return [each.track for each in tracks if self._is_late(each, join, now_s)]

    def _is_late(self, backlog: Backlog, join: Join, now_s: float) -> bool:
        kind = backlog.track.kind
        own = answers_of(kind)
        if len(backlog.frames) > self.max_lag_records and not self.trails(own, "routes", now_s):
            return True
        if _is_production_now(backlog):
            return False
        if kind != "answering" and len(backlog.answers) > self.max_lag_records:
            opinions: Feed = "shadow_predictions" if kind == "canary" else "predictions"
            if not self.trails(opinions, own, now_s):
                return True
        behind = answered_to(join) - (backlog.owes_from or 0)
        return behind > self.max_lag_records and not self.trails(own, "predictions", now_s)

    def _is_ahead(self, join: Join, shadows: Iterable[Backlog]) -> bool:
        """Whether production's answers are far ahead of the shadow lane that is furthest on."""
        best = max((backlog.owes_from or 0 for backlog in shadows if backlog.frames), default=None)
        return best is not None and answered_to(join) - best > self.room

    def _wait(self, backlogs: Collection[Backlog]) -> bool:
        """Whether many answers wait for what they are to be joined with."""
        return any(len(backlog.answers) > self.room for backlog in backlogs)

    def _routes_lead(self, now_s: float) -> bool:
        return self.trails("predictions", "routes", now_s) or self.trails("shadow_predictions", "routes", now_s)


def _is_production_now(backlog: Backlog) -> bool:
    """Whether the others' progress is measured by this lane's."""
    last = backlog.frames[-1]
    return backlog.track.kind == "answering" and last.is_opinion and not last.closes


def of_kind(join: Join, kind: Kind) -> list[Backlog]:
    """The backlogs of tracks of one kind."""
    return [backlog for backlog in join.backlogs.values() if backlog.track.kind == kind]


def answered_to(join: Join) -> int:
    """How far production's answering lane is settled; after a promotion, the one that is furthest on."""
    return max((min(backlog.frontier, backlog.opinions_to) for backlog in join.answering()), default=0)
