"""What can stand in the way of restoring positions. Every message says what to do."""

from __future__ import annotations


class CannotRestore(Exception):
    """Positions that cannot be found again, or must not be set. The text says which, and what to do."""
