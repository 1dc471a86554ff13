"""The three topics that a comparator reads, under the names that they have here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from comparator.tracks import Kind
    from understudy.core.topics import EndpointTopics

Feed: TypeAlias = Literal["routes", "predictions", "shadow_predictions"]

FEEDS: Final[tuple[Feed, ...]] = ("routes", "predictions", "shadow_predictions")


def topic_of(feed: Feed, topics: EndpointTopics) -> str:
    """The topic's name in the log."""
    return {
        "routes": topics.routes,
        "predictions": topics.predictions,
        "shadow_predictions": topics.shadow_predictions,
    }[feed]


def answers_of(kind: Kind) -> Feed:
    """Where tracks of this kind have their answers."""
    return "shadow_predictions" if kind == "shadow" else "predictions"


def needed_by(kind: Kind) -> tuple[Feed, ...]:
    """What settling a track of this kind takes."""
    return ("routes", "predictions") if kind == "answering" else FEEDS
