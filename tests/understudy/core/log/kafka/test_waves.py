from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.driving import at, batch

from understudy.core.log.contract import Output
from understudy.core.log.kafka.waves import in_waves, within

BATCHES = [batch(f"v{i}") for i in range(20)]


@given(st.lists(st.integers(0, 3), max_size=20))
def test_waves_hold_one_batch_per_partition_and_keep_their_order(partitions: list[int]) -> None:
    outputs = [Output("topic", partition, BATCHES[i]) for i, partition in enumerate(partitions)]
    waves = in_waves(outputs)
    for partition in set(partitions):
        sent = [wave[at("topic", partition)] for wave in waves if at("topic", partition) in wave]
        assert sent == [output.batch for output in outputs if output.partition == partition]
    assert sum(len(wave) for wave in waves) == len(outputs)
    if waves:
        assert waves[0].keys() == {at("topic", partition) for partition in partitions}


@given(st.lists(st.integers(1, 60), max_size=10), st.integers(1, 100))
def test_groups_stay_within_the_limit_unless_one_batch_alone_exceeds_it(sizes: list[int], limit: int) -> None:
    stamped = {at("topic", i): b"x" * size for i, size in enumerate(sizes)}
    groups = within(limit, stamped)
    assert [item for group in groups for item in group.items()] == list(stamped.items())
    for group in groups:
        assert len(group) == 1 or sum(map(len, group.values())) <= limit
