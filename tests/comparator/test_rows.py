from __future__ import annotations

from comparator.examples import Example
from comparator.rows import read_row, rows_of
from comparator.tally import Cell, Group
from schemas.encodings import RowDecoder, RowEncoder
from understudy.deployments.plan import Lane
from understudy.statistics.moments import Differences

GROUP = Group(Lane("m:s", "shadow"), "m:p", 3, 86_400_000)


def test_a_cell_survives_being_a_row() -> None:
    cell = Cell(
        {"matched": 5, "mismatched": 1},
        {"number": Differences(6, 1, 5, 1.5, 2.5, 3.5, 4.5)},
        {346: 5, -1: 1},
        {350: 6},
        [Example("mismatched", 7, None, "e7", '{"label": 1}', None)],
    )
    encode, decode = RowEncoder.of("avro", "comparison").encode, RowDecoder.of("avro", "comparison").decode

    (row,) = [decode(encode(row)) for row in rows_of(2, [(GROUP, "origin=JFK", cell)])]

    assert row["source_partition"] == 2
    assert read_row(row) == (GROUP, "origin=JFK", cell)


def test_the_ledgers_row_has_no_block_and_no_sketches() -> None:
    ledger = Group(Lane("m:p", "answering"), None, 3, None)

    (row,) = rows_of(0, [(ledger, None, Cell({"routed": 5}))])

    assert (row["block"], row["against"], row["slice"], row["model_time_production"]) == (None, None, None, None)
    assert read_row(row) == (ledger, None, Cell({"routed": 5}))
