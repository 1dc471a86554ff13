"""A writer that was killed in the middle of a transaction, whose records are neither committed nor aborted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from support.harness import Killed, crash_at
from support.kafka_harness import KafkaTransaction

from understudy.core.log.contract import EMPTY
from understudy.core.log.kafka import KafkaLog
from understudy.core.log.kafka.client import Address, Client
from understudy.core.log.memory.log import MemoryLog
from understudy.core.log.memory.producer import Producer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.log.contract import Log, Output

TIMEOUT_S = 60.0
"""A broker aborts it by then: longer than a test waits."""


def die_writing(log: Log, transactional_id: str, outputs: Sequence[Output]) -> None:
    """Append the outputs, and leave the transaction open."""
    if isinstance(log, MemoryLog):
        writer = Producer(log._cluster, transactional_id, TIMEOUT_S, probe=crash_at("produced"))
        with contextlib.suppress(Killed):
            writer.commit(outputs)
        return
    assert isinstance(log, KafkaLog)
    client = Client(Address(log._address.bootstrap, EMPTY, client_id="dead"))
    KafkaTransaction(client, transactional_id, outputs)
    client.close()
