"""Whether a member that its group has forgotten may join it again."""

from __future__ import annotations

from typing import Any, Final


class JoinGate:
    """Keeps a coordinator of the library from joining by itself again when the group has forgotten its member.

    Such a member may have been evicted, and an evicted member that came back would take partitions that it cannot
    work on. The gate shuts, on whichever thread finds out, before the library can ask to join; its session opens it
    when it has seen that the transactional id is still its own.
    """

    def __init__(self, coordinator: Any) -> None:
        self._wants_to_join: Final = coordinator.need_rejoin
        self._forget_generation: Final = coordinator.reset_generation
        self.is_open = True
        coordinator.need_rejoin = self._need_rejoin
        coordinator.reset_generation = self._reset_generation

    def _need_rejoin(self) -> bool:
        return self.is_open and bool(self._wants_to_join())

    def _reset_generation(self, *arguments: Any, **named: Any) -> None:
        self.is_open = False
        self._forget_generation(*arguments, **named)
