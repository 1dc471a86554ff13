from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.avro_rows import rows_of

from schemas.contracts import CONTRACTS, ContractName, contract
from schemas.encodings.json_rows import json_decoder, json_encoder
from schemas.errors import InvalidRow, Undecodable
from schemas.single_object import encode_bare

LETTER = {"topic": "t", "partition": 1, "offset": 2, "size_bytes": 3, "sha256": "ab", "first_bytes": b"\x00\xff"}
encode, decode = json_encoder(contract("dead_letter")), json_decoder(contract("dead_letter"))


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_nothing_is_lost(name: ContractName, data: st.DataObject) -> None:
    schema = contract(name)
    row = data.draw(rows_of(schema))
    again = json_decoder(schema)(json_encoder(schema)(row))
    assert again == row
    assert encode_bare(schema, again) == encode_bare(schema, row)  # 1, 1.0 and True stay apart


@pytest.mark.parametrize("name", CONTRACTS)
def test_bytes_stand_where_the_decoder_looks_for_them(name: ContractName) -> None:
    def kinds(schema: Any) -> list[str]:
        if isinstance(schema, list):
            return [kind for branch in schema for kind in kinds(branch)]
        if isinstance(schema, str):
            return [schema]
        inside = [schema.get("items"), schema.get("values"), *(each["type"] for each in schema.get("fields", ()))]
        return [schema["type"], *(kind for each in inside if each for kind in kinds(each))]

    for each in contract(name)["fields"]:
        assert each["type"] in ("bytes", ["null", "bytes"]) or not {"bytes", "fixed"} & set(kinds(each["type"]))


def test_the_form_is_a_plain_object_with_base64_for_bytes() -> None:
    assert json.loads(encode(LETTER)) == LETTER | {"first_bytes": "AP8="}


def test_text_stays_readable() -> None:
    assert "é".encode() in encode(LETTER | {"topic": "é"})


def test_defaults_are_written_and_read() -> None:
    header = {"revision": 1, "source_partition": 0, "base_offset": 0, "span": 0, "count": 0, "share_ppm": 5}
    value = json_encoder(contract("frame_header"))(header)
    assert json.loads(value)["bitmap"] is None
    assert json_decoder(contract("frame_header"))(json.dumps(header).encode()) == header | {"bitmap": None}


def test_fields_of_a_later_version_are_dropped() -> None:
    assert decode(json.dumps(json.loads(encode(LETTER)) | {"later": 1}).encode()) == LETTER


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(number: float) -> None:
    statistics = {
        "count": 1,
        "mismatched": 0,
        "sum_difference": number,
        "sum_squared_difference": 0.0,
        "sum_absolute_difference": 0.0,
        "max_absolute_difference": 0.0,
    }
    row = {
        "source_partition": 0,
        "version": "m:1",
        "role": "shadow",
        "revision": 1,
        "counts": {},
        "fields": {"score": statistics},
    }
    with pytest.raises(InvalidRow, match="leave out what is not finite"):
        json_encoder(contract("comparison"))(row)


@pytest.mark.parametrize("row", [{}, LETTER | {"extra": 1}, LETTER | {"offset": "2"}, LETTER | {"first_bytes": None}])
def test_what_is_no_row_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(InvalidRow, match="not a row of"):
        encode(row)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "tombstone"),
        (b"", "empty"),
        (b"{", "corrupt"),
        (b"\xc3\x01\xff", "bad_utf8"),
        (b"[" * 100_000, "corrupt"),
        (b"NaN", "corrupt"),
        (b'{"topic": Infinity}', "corrupt"),
        (b"3", "invalid_row"),
        (b"[]", "invalid_row"),
        (b"{}", "invalid_row"),
        (encode(LETTER).replace(b"AP8=", b"AP8"), "invalid_row"),
        (encode(LETTER).replace(b'"AP8="', b"3"), "invalid_row"),
        (encode(LETTER).replace(b'"AP8="', b"null"), "invalid_row"),
        (encode(LETTER).replace(b'"offset":2', b'"offset":"2"'), "invalid_row"),
        (encode(LETTER).replace(b'"offset":2', b'"offset":92233720368547758070'), "invalid_row"),
    ],
)
def test_bad_values_are_named(value: bytes | None, kind: str) -> None:
    with pytest.raises(Undecodable, match=": ") as caught:
        decode(value)
    assert caught.value.kind == kind


@given(value=st.binary(max_size=50) | st.text(alphabet='{}[]":,0aNe.\\u', max_size=30).map(str.encode))
def test_random_text_is_undecodable(value: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(value)
