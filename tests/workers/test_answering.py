from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.lanes import Doubling, decoder, event
from support.pile import stored

from schemas.encodings import InputDecoder, SchemaUnavailable
from understudy.core.frames import frame_of
from understudy.models.outputs import Answer, Failure
from workers.answering import Answering
from workers.events import EventFields
from workers.lanes import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELDS = EventFields(event_id="id", slices=("origin",))


def part(values: Sequence[bytes | None], base_offset: int = 10, unreadable: str | None = None) -> Part:
    offsets = range(base_offset, base_offset + len(values))
    header = frame_of(offsets, revision=1, source_partition=3)
    return Part("answering", header, offsets, stored(values, base_offset, time_ms=1_000).columns, unreadable)


def test_the_model_is_asked_once_for_all_parts() -> None:
    model = Doubling(time_ns=6_000)

    first, second = Answering(decoder(), model, FIELDS).answer([part([event(1), event(2)]), part([event(5)], 40)])

    assert model.asked == [3]
    assert (list(first.results), list(second.results)) == (
        [Answer(number=2.0), Answer(number=4.0)],
        [Answer(number=10.0)],
    )
    assert (first.model_time_ns, second.model_time_ns) == (2_000, 2_000)


def test_details_come_from_the_event_and_its_record() -> None:
    [outcomes] = Answering(decoder(), Doubling(), FIELDS).answer([part([event(1), event(2, None)])])

    assert list(outcomes.details.event_times_ms) == [1_000, 1_001]
    assert list(outcomes.details.event_ids) == ["1", "2"]
    assert list(outcomes.details.slices) == [{"origin": "JFK"}, {}]


def test_what_cannot_be_decoded_fails_alone() -> None:
    values = [event(1), b"garbage", None, b"", event(2)[:-1], event(3) + b"x", event(4)]

    [outcomes] = Answering(decoder(), Doubling(), FIELDS).answer([part(values)])

    kinds = [result.kind if isinstance(result, Failure) else result.number for result in outcomes.results]
    assert kinds == [2.0, *["undecodable"] * 5, 8.0]
    assert [column[1] for column in outcomes.details] == [1_001, None, {}]


def test_a_model_that_fails_on_a_record_leaves_it_its_details() -> None:
    [outcomes] = Answering(decoder(), Doubling(), FIELDS).answer([part([event(1), event(-1)])])

    assert list(outcomes.results) == [Answer(number=2.0), Failure("model_raised", "negative: -1.0")]
    assert [column[1] for column in outcomes.details] == [1_001, "-1", {"origin": "JFK"}]


def test_the_model_is_left_alone_when_nothing_can_be_decoded() -> None:
    model = Doubling()

    [outcomes] = Answering(decoder(), model, FIELDS).answer([part([None, b"garbage"])])

    assert (model.asked, outcomes.model_time_ns, len(outcomes.results)) == ([], 0, 2)


def test_an_unreadable_batch_fails_with_the_reason() -> None:
    [outcomes] = Answering(decoder(), Doubling(), FIELDS).answer([part([None, None], unreadable="no gzip")])

    assert list(outcomes.results) == [Failure("undecodable", "no gzip")] * 2


def test_an_outage_is_passed_on_before_the_model_is_asked() -> None:
    def out_of_reach(_: bytes | None) -> dict[str, object]:
        raise SchemaUnavailable("the registry does not answer")

    model = Doubling()

    with pytest.raises(SchemaUnavailable):
        Answering(InputDecoder(out_of_reach), model, FIELDS).answer([part([event(1)])])
    assert model.asked == []
