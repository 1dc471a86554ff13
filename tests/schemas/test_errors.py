from __future__ import annotations

from schemas.errors import Undecodable


def test_undecodable_says_its_kind_and_its_message_is_its_text() -> None:
    error = Undecodable("empty", "the value is empty: check the producer")
    assert error.kind == "empty"
    assert str(error) == "the value is empty: check the producer"
