from __future__ import annotations

from understudy.core.log.kafka.join_gate import JoinGate


class Coordinator:
    """As much of the library's as the gate touches."""

    def __init__(self) -> None:
        self.member_id = "member-1"

    def need_rejoin(self) -> bool:
        return self.member_id == ""

    def reset_generation(self, member_id: str = "") -> None:
        self.member_id = member_id


def test_a_member_that_was_forgotten_joins_again_when_the_gate_is_opened() -> None:
    coordinator = Coordinator()
    gate = JoinGate(coordinator)
    assert not coordinator.need_rejoin()
    coordinator.reset_generation()
    assert not gate.is_open
    assert not coordinator.need_rejoin()
    gate.is_open = True
    assert coordinator.need_rejoin()


def test_what_the_library_asks_for_is_done_behind_the_gate() -> None:
    coordinator = Coordinator()
    gate = JoinGate(coordinator)
    coordinator.reset_generation(member_id="member-2")
    assert coordinator.member_id == "member-2"
    gate.is_open = True
    assert not coordinator.need_rejoin()
