"""The three topics that a comparator reads, under the names that they have here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.plan import Role

Feed: TypeAlias = Literal["routes", "predictions", "shadow_predictions"]

FEEDS: Final[tuple[Feed, ...]] = ("routes", "predictions", "shadow_predictions")


def topic_of(feed: Feed, topics: EndpointTopics) -> str:
    """The topic's name in the log."""
    return {
        "routes": topics.routes,
        "predictions": topics.predictions,
        "shadow_predictions": topics.shadow_predictions,
    }[feed]


def answers_of(role: Role) -> Feed:
    """Where lanes of this role answer."""
    return "predictions" if role == "answering" else "shadow_predictions"


def needed_by(role: Role) -> tuple[Feed, ...]:
    """What settling a lane of this role takes."""
    return ("routes", "predictions") if role == "answering" else FEEDS
