"""What can go wrong with an endpoint's releases. Every message says what to do next."""

from __future__ import annotations


class Refused(ValueError):
    """A change that cannot be made now. The text says why, and what to do."""


class NotAnEvent(ValueError):
    """A record of the deployments topic that this Understudy cannot read as an event."""
