"""A program that copies a partition, and kills itself at a named phase: BOOTSTRAP GROUP SLOT SOURCE TARGET PHASE N END.

It ends by itself when it has copied up to offset END, and in an orderly way at SIGTERM, wherever that finds it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from understudy.core.batches import rebuild
from understudy.core.log.contract import Output, Position, SessionSpec, TopicPartition
from understudy.core.log.kafka import KafkaLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.core.log.contract import Phase


def killer(phase: str, nth: int) -> Callable[[Phase], None]:
    """A probe that is kill -9 when the phase comes for the nth time."""
    times = 0

    def probe(reached: Phase) -> None:
        nonlocal times
        times += reached == phase
        if times >= nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return probe


def main(arguments: list[str]) -> None:
    bootstrap, group, slot, source, target, phase, nth, until = arguments
    here = TopicPartition(source, 0)
    # One byte: a broker answers with one batch at a time, so that there are many transactions.
    spec = SessionSpec(group, (source,), slot, poll_bytes=1, probe=killer(phase, int(nth)))
    done = 0
    with KafkaLog(bootstrap).session(spec) as session:
        while done < int(until):
            polled = session.poll(0.5)
            done = polled.assigned[here].offset if here in polled.assigned else done
            for batch in polled.batches.get(here, ()):
                forwarded = batch if batch.is_forwardable else rebuild(batch)
                if session.commit([Output(target, 0, forwarded)], {here: Position(batch.next_offset, "copied")}):
                    done = batch.next_offset


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    main(sys.argv[1:])
