"""What can go wrong with a log. Every message says what to do next."""

from __future__ import annotations

from typing import Final

HOW_TO_MAKE_IT: Final = (
    "Create it with `understudy topics`; a candidate's is made when you take the version back (`understudy rollback`) "
    "and deploy it again."
)
"""What to do about a topic that does not exist and may be a lane."""
HOW_TO_GROW_IT: Final = "Grow it with `understudy topics`, which says why where that cannot be."
"""What to do about a topic that lacks a partition."""
WAYS_ON: Final = (
    "Offsets in it mean something else now. Partition and offset in the input name a record in all that was answered, "
    "so an input that was made again needs another endpoint name. Positions in any other topic are set anew with "
    "`understudy positions restore`."
)
"""What to do about a topic that was deleted and made again."""


class LogError(Exception):
    """Base of the errors below. The text is for people: what happened, where, and what to do next."""


class LogUnavailable(LogError):
    """No broker answers."""


class Fenced(LogError):
    """A newer instance of the same slot took over: this one must exit."""


class MissingPosition(LogError):
    """An owned partition has no committed position, so where to start is not known."""


class PositionExpired(LogError):
    """The committed position lies outside the records that the partition still holds."""


class UnknownTopic(LogError):
    """A topic does not exist."""


class TopicExists(LogError):
    """A topic to be created is there already."""


class TopicRecreated(LogError):
    """A topic was deleted and made again under the same name: positions in it mean nothing any more."""


class CorruptBatch(LogError):
    """A batch's checksum or structure is wrong."""


class OutputRefused(LogError):
    """A commit was refused because of one output topic. Nothing was committed; without that topic it may pass.

    topic: its name.
    """

    def __init__(self, text: str, *, topic: str) -> None:
        super().__init__(text)
        self.topic = topic


class OutputTooLarge(OutputRefused):
    """A batch is larger than its topic accepts (max.message.bytes)."""


class OutputMissing(OutputRefused, UnknownTopic):
    """A topic to be written to, or the partition of it, does not exist, or not any more."""


class OutputUnavailable(OutputRefused):
    """A partition to be written to has had no leader for seconds, while others have one. It may come back."""


class NoteTooLong(LogError):
    """A note is longer than `MAX_NOTE_BYTES`."""


class GroupIsLive(LogError):
    """Positions of a group cannot be set from outside while it has members."""
