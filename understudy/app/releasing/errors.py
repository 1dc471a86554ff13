"""What can go wrong with a release that is under way. Every message says how to go on."""

from __future__ import annotations


class DoesNotFit(Exception):
    """A model that cannot answer the endpoint's events. The text names the fields."""


class NotFinished(Exception):
    """A release that was not waited for to the end. The text says what holds now, and how to go on or back."""
