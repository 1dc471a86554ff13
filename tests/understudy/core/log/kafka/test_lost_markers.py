from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from support.driving import Driver, at, batch, begin_at
from support.kafka_harness import KafkaHarness

from understudy.app.brokers.local import running_broker
from understudy.core.log.contract import EMPTY, Position
from understudy.core.log.kafka import transaction_requests as requests
from understudy.core.log.kafka.client import Address, Client, ensure
from understudy.core.log.kafka.lost_markers import PATIENCE_S, LostMarkers

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from understudy.core.log.contract import TopicPartition


class Ender:
    """A producer that counts how often it was to end its former transaction again."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def end_again(self, group: str) -> None:
        self.ended.append(group)


def test_only_what_stays_unstable_is_ended_again() -> None:
    now = [0.0]
    ender = Ender()
    markers = LostMarkers(ender, "group", lambda: now[0])  # type: ignore[arg-type]  # all that it uses of a producer
    markers.positions_are_unstable()
    now[0] = PATIENCE_S - 0.1
    markers.positions_are_unstable()
    markers.positions_are_stable()
    now[0] = PATIENCE_S + 1
    markers.positions_are_unstable()
    assert ender.ended == []
    now[0] += PATIENCE_S
    markers.positions_are_unstable()
    assert ender.ended == ["group"]


class FormerInstance:
    """Moves positions in transactions of the old protocol, in which a request may come after the end."""

    def __init__(self, client: Client, slot: str, group: str) -> None:
        self._client = client
        self._group = group
        self._who = requests.Identity(slot, requests.VERSIONS[1])
        answer = self._ask(requests.init_request(self._who, 5_000))
        self._who = requests.Identity(slot, requests.VERSIONS[1], answer.producer_id, answer.producer_epoch)

    def _ask(self, request: Any) -> Any:
        def attempt() -> Any:
            answer = self._client.call(request, self._client.coordinator("transaction", self._who.transactional_id))
            ensure(answer.error_code, "a former instance")
            return answer

        return self._client.retry(attempt, time.monotonic() + 30)

    def begin(self) -> None:
        self._ask(requests.add_offsets_request(self._who, self._group))

    def move(self, partition: TopicPartition, offset: int) -> None:
        nobody = requests.Member(-1, "", None)
        moved = requests.Moved(self._group, nobody, {partition: Position(offset)})

        def attempt() -> None:
            node = self._client.coordinator("group", self._group)
            codes = requests.position_codes(self._client.call(requests.positions_request(self._who, moved), node))
            ensure(max(codes), "positions of a former instance")

        self._client.retry(attempt, time.monotonic() + 30)

    def end(self, *, committed: bool) -> None:
        self._ask(requests.end_request(self._who, committed=committed))


@pytest.mark.kafka
@pytest.mark.parametrize(("committed", "expected"), [(True, 2), (False, 0)])
def test_positions_whose_markers_were_lost_are_stable_again_as_the_transaction_had_ended(
    tmp_path: Path, *, committed: bool, expected: int
) -> None:
    # Given positions in a transaction that its coordinator takes for complete (a broker that checks would refuse it)
    with running_broker(tmp_path, properties={"transaction.partition.verification.enable": "false"}) as broker:
        kafka = KafkaHarness(broker.bootstrap)
        source = kafka.create_topic("source")
        kafka.append(source, 0, batch("a", "b", "c"))
        begin_at(kafka, "group", {at(source): Position(0)})
        client = Client(Address(broker.bootstrap, EMPTY))
        former = FormerInstance(client, kafka.name("group.a"), kafka.name("group"))
        former.begin()
        former.move(at(source), 1)
        former.end(committed=committed)
        former.move(at(source), 2)
        # When the next instance of the slot starts, then it begins where the former one had come to
        driver = Driver(kafka, [source])
        driver.until_owns(at(source), timeout_s=15.0)
        assert driver.owned[at(source)].offset == expected
        kafka.close()
        client.close()
