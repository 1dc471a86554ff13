from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from understudy.core.log.memory import Faults

if TYPE_CHECKING:
    from understudy.core.log.memory import Fate

CHANCES: dict[Fate, float] = {"lost before": 0.2, "lost after": 0.1, "evicted": 0.3}


def test_nothing_goes_wrong_by_default() -> None:
    faults = Faults()

    assert {faults.fate() for _ in range(100)} == {"commits"}
    assert faults.marker_delay_s("any") == 0.0


def test_the_same_seed_gives_the_same_faults() -> None:
    one, same, other = Faults(1, CHANCES), Faults(1, CHANCES), Faults(2, CHANCES)
    fates = [one.fate() for _ in range(200)]

    assert fates == [same.fate() for _ in range(200)]
    assert fates != [other.fate() for _ in range(200)]


def test_faults_come_as_often_as_their_chance() -> None:
    faults = Faults(7, CHANCES)

    counts = Counter(faults.fate() for _ in range(10_000))

    assert {fate: round(count / 10_000, 1) for fate, count in counts.items()} == {**CHANCES, "commits": 0.4}


def test_fates_that_were_fixed_come_first() -> None:
    faults = Faults()
    faults.befall("lost after", "evicted")

    assert [faults.fate() for _ in range(3)] == ["lost after", "evicted", "commits"]


def test_markers_are_delayed_at_random_within_bounds() -> None:
    faults = Faults(3, marker_delay_s=2.0)

    delays_s = [faults.marker_delay_s("any") for _ in range(100)]

    assert 0.0 <= min(delays_s) < 0.5
    assert 1.5 < max(delays_s) <= 2.0


def test_one_topics_markers_can_be_delayed() -> None:
    faults = Faults()
    faults.delay_markers("late", 1.5)

    assert (faults.marker_delay_s("late"), faults.marker_delay_s("other")) == (1.5, 0.0)
