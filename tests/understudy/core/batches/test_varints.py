from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.batch_oracle import their_util

from understudy.core.batches.varints import SMALL, encode_varint, read_raw, unzigzag
from understudy.core.log.errors import CorruptBatch

INT64 = st.integers(min_value=-(1 << 63), max_value=(1 << 63) - 1)


@given(INT64)
@example((1 << 63) - 1)
@example(-(1 << 63))
def test_numbers_are_written_as_kafka_python_writes_them_and_read_back(number: int) -> None:
    theirs = bytearray()
    their_util.encode_varint(number, theirs.append)

    assert encode_varint(number) == bytes(theirs)
    raw, end = read_raw(b"..." + encode_varint(number), 3)
    assert (unzigzag(raw), end) == (number, 3 + len(theirs))


def test_the_table_of_small_numbers_holds_their_encodings() -> None:
    assert [unzigzag(read_raw(encoding, 0)[0]) for encoding in SMALL] == list(range(len(SMALL)))
    assert max(map(len, SMALL)) == 2


def test_a_number_that_never_ends_is_corrupt() -> None:
    with pytest.raises(CorruptBatch, match="byte 1 of the records"):
        read_raw(b"\x00" + b"\xff" * 1000, 1)


def test_a_number_that_is_cut_off_runs_out_of_data() -> None:
    with pytest.raises(IndexError):
        read_raw(b"\xff\xff", 0)
