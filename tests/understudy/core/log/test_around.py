from __future__ import annotations

from contextlib import ExitStack

from support.pile import stored

from understudy.core.log.around import SessionAround
from understudy.core.log.contract import NewTopic, Output, Position, SessionSpec, TopicPartition
from understudy.core.log.memory import MemoryLog

SOURCE, TARGET = TopicPartition("source", 0), "target"


def test_what_is_not_added_to_goes_to_the_session_and_comes_from_it() -> None:
    log = MemoryLog()
    with log.admin() as admin:
        admin.create([NewTopic(SOURCE.topic, 1), NewTopic(TARGET, 1)])
        admin.set_positions("group", {SOURCE: Position(0)})
    log.append(SOURCE, stored([b"a"], 0))

    with ExitStack() as opened:
        session = opened.enter_context(SessionAround(log.session(SessionSpec("group", (SOURCE.topic,), "slot"))))
        polled = session.poll(1.0)
        (batch,) = polled.batches[SOURCE]
        assert session.commit([Output(TARGET, 0, batch)], {SOURCE: Position(batch.next_offset, "noted")})
        with log.admin() as admin:
            assert [member.slot for member in admin.members("group")] == ["slot"]

    with log.admin() as admin:
        assert admin.positions("group") == {SOURCE: Position(1, "noted")}
        assert admin.end_offsets([TopicPartition(TARGET, 0)]) == {TopicPartition(TARGET, 0): 2}
        assert not admin.members("group")
