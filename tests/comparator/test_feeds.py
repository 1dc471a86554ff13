from __future__ import annotations

from support.comparing import TOPICS

from comparator.feeds import FEEDS, answers_of, needed_by, topic_of


def test_each_feed_is_a_topic_of_the_endpoint() -> None:
    assert [topic_of(feed, TOPICS) for feed in FEEDS] == [
        "delay.routes",
        "delay.predictions",
        "delay.shadow-predictions",
    ]


def test_an_answering_lane_needs_no_shadow_predictions() -> None:
    assert needed_by("answering") == ("routes", answers_of("answering"))
    assert set(needed_by("shadow")) == set(FEEDS)
    assert answers_of("shadow") == "shadow_predictions"
