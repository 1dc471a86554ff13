from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import decoder
from schemas.parsing import RecordSchema, parse
from schemas.plain_records import WORTH_A_RUN, PlainReader, plain_reader
from schemas.single_object import encode_bare

NUMBERS = ["double"] * WORTH_A_RUN


def event(*types: Any) -> RecordSchema:
    fields = [{"name": f"f{i}", "type": each} for i, each in enumerate(types)]
    return parse(json.dumps({"type": "record", "name": "Event", "fields": fields}), "event")


EVENT = event("string", *NUMBERS, "float", "boolean", "string")
FLOATS = st.floats(width=32, allow_nan=False)


def reader_of(schema: RecordSchema) -> PlainReader:
    read = plain_reader(schema)
    assert read is not None
    return read


def row_of(texts: tuple[str, str], numbers: list[float]) -> dict[str, Any]:
    row = dict(zip((field["name"] for field in EVENT["fields"]), [texts[0], *numbers, True, texts[1]], strict=True))
    assert len(row) == len(EVENT["fields"])
    return row


rows = st.builds(
    row_of,
    st.tuples(st.text(max_size=15), st.text(max_size=15)),
    st.lists(FLOATS, min_size=WORTH_A_RUN + 1, max_size=WORTH_A_RUN + 1),
)


@given(row=rows)
def test_what_was_written_is_read(row: dict[str, Any]) -> None:
    value = b"head" + encode_bare(EVENT, row)
    read = reader_of(EVENT)(value, 4)
    assert read == row
    assert list(read or ()) == list(row)


@given(row=rows, data=st.data())
def test_what_is_cut_short_or_goes_on_is_left_to_others(row: dict[str, Any], data: st.DataObject) -> None:
    value = encode_bare(EVENT, row)
    read = reader_of(EVENT)
    assert read(value[: data.draw(st.integers(0, len(value) - 1))], 0) is None
    assert read(value + b"\0", 0) is None


@given(value=st.binary(max_size=400))
def test_rubbish_is_left_to_others_or_a_whole_record(value: bytes) -> None:
    read = reader_of(EVENT)(value, 0)
    assert read is None or read.keys() == {field["name"] for field in EVENT["fields"]}


@pytest.mark.parametrize("text", ["", "x" * 63, "x" * 64, "é" * 40, "x" * 10_000])
def test_texts_of_every_length_are_read_one_way_or_the_other(text: str) -> None:
    row = row_of((text, "end"), [0.5] * (WORTH_A_RUN + 1))
    value = encode_bare(EVENT, row)
    assert decoder(EVENT)(value, 0) == row
    assert (reader_of(EVENT)(value, 0) is None) == (len(text.encode()) > 63)


@pytest.mark.parametrize(
    "types",
    [
        NUMBERS[1:],
        [*NUMBERS, "long"],
        [*NUMBERS, ["null", "string"]],
        [*NUMBERS, *["string"] * 5],
        [*NUMBERS[1:], "string", "double"],
    ],
)
def test_other_records_are_left_to_others(types: list[Any]) -> None:
    assert plain_reader(event(*types)) is None
