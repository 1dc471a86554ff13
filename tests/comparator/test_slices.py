from __future__ import annotations

from comparator.slices import MAX_COMBINATIONS, SliceNames


def test_each_field_is_a_slice() -> None:
    assert SliceNames().of({"origin": "JFK", "carrier": "UA"}) == ("origin=JFK", "carrier=UA")
    assert SliceNames().of({}) == ()


def test_so_many_values_of_a_field_have_a_name_of_their_own() -> None:
    names = SliceNames(max_values=2)

    assert [names.of({"dest": dest}) for dest in ("LAX", "SFO", "ORD", "LAX")] == [
        ("dest=LAX",),
        ("dest=SFO",),
        ("dest=(other)",),
        ("dest=LAX",),
    ]
    assert names.of({"origin": "ORD"}) == ("origin=ORD",)


def test_the_same_values_share_one_tuple_and_very_many_are_not_remembered() -> None:
    names = SliceNames(max_values=1)
    first = names.of({"dest": "LAX"})
    assert names.of({"dest": "LAX"}) is first

    for i in range(MAX_COMBINATIONS):
        assert names.of({"dest": str(i)}) == ("dest=(other)",)

    assert names.of({"dest": "LAX"}) == first
    assert len(names._known) <= MAX_COMBINATIONS
