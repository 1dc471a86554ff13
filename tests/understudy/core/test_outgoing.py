from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from understudy.core.log.contract import TopicPartition
from understudy.core.outgoing import outputs

if TYPE_CHECKING:
    from understudy.core.batches import Batch

AT = TopicPartition("answers", 3)

records = st.lists(
    st.tuples(
        st.none() | st.binary(max_size=300),
        st.none() | st.binary(max_size=3_000),
        st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=50)), max_size=2).map(tuple),
    ),
    max_size=60,
)


def rows(batches: list[Batch]) -> list[tuple[object, ...]]:
    return [
        row
        for batch in batches
        for row in zip(
            batch.columns.keys,
            batch.columns.values,
            batch.columns.headers,
            batch.columns.timestamps_ms,
            strict=True,
        )
    ]


@given(records, st.sampled_from([1, 500, 5_000, 900_000]))
def test_records_are_kept_in_order_in_batches_of_bounded_size(
    given_records: list[tuple[bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]], max_bytes: int
) -> None:
    keys, values, headers = ([record[i] for record in given_records] for i in range(3))
    times_ms = [1_000 + i for i in range(len(given_records))]

    made = outputs(AT, keys, values, times_ms, headers, max_bytes=max_bytes)  # type: ignore[arg-type] # by column

    batches = [output.batch for output in made]
    assert rows(batches) == [(*record, time_ms) for record, time_ms in zip(given_records, times_ms, strict=True)]
    assert {(output.topic, output.partition) for output in made} <= {AT}
    assert all(batch.size_bytes <= max_bytes + 61 or batch.count == 1 for batch in batches)


def test_what_fits_is_one_batch() -> None:
    made = outputs(AT, [None] * 1_000, [b"x" * 800] * 1_000, [5] * 1_000)

    assert [output.batch.count for output in made] == [1_000]


def test_a_record_larger_than_the_bound_goes_alone() -> None:
    made = outputs(AT, [None] * 3, [b"a", b"x" * 1_000, b"c"], [5] * 3, max_bytes=500)

    assert [list(output.batch.columns.values) for output in made] == [[b"a"], [b"x" * 1_000], [b"c"]]
