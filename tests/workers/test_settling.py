from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.lanes import TOPICS, VERSION, Doubling, decoder, encoders, event, row_of
from support.pile import stored

from understudy.core.frames import frame_of
from workers.answering import Answering
from workers.dead_letters import DeadLetters
from workers.owed import Debt
from workers.rows import PredictionRows
from workers.sending import Sending
from workers.settling import settlements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.core.batches.records import Columns
    from understudy.deployments.plan import Role

PRODUCTION = "flights:v2"


def sending() -> Sending:
    return Sending(TOPICS, PredictionRows(VERSION, encoders(), answered_by=PRODUCTION), DeadLetters(PRODUCTION))


def debt(offsets: Sequence[int], role: Role = "answering") -> Debt:
    return Debt(role, frame_of(offsets, revision=4, source_partition=3, share_ppm=50_000), 1_000)


def find(owed: Debt) -> dict[int, Columns]:
    """The input has its even records alone."""
    return {offset: stored([event(offset)], offset).columns for offset in owed.header.offsets() if offset % 2 == 0}


def settled(debts: Sequence[Debt], records: int = 1_000, model: Doubling | None = None) -> list[list[dict[str, Any]]]:
    """The rows of each transaction."""
    answering = Answering(decoder(), model or Doubling())
    return [
        [
            row_of(value)
            for output in outputs
            if output.topic in {TOPICS.predictions, TOPICS.shadow_predictions}
            for value in output.batch.columns.values
        ]
        for outputs in settlements(debts, find, answering, sending, records=records)
    ]


def test_what_the_input_still_has_is_answered_by_production() -> None:
    [rows] = settled([debt([10, 12]), debt([14])])

    assert [(row["source_offset"], row["number"]) for row in rows] == [(10, 20.0), (12, 24.0), (14, 28.0)]
    assert {(row["routed_version"], row["answered_version"], row["revision"], row["share_ppm"]) for row in rows} == {
        (VERSION, PRODUCTION, 4, 50_000)
    }


def test_what_the_input_has_lost_fails_as_expired_with_a_dead_letter() -> None:
    [outputs] = settlements([debt([10, 11])], find, Answering(decoder(), Doubling()), sending)

    rows = {output.topic: list(output.batch.columns.values) for output in outputs}
    answered, failed = map(row_of, rows[TOPICS.predictions])
    assert (answered["source_offset"], answered["outcome"]) == (10, "answered")
    assert (failed["source_offset"], failed["outcome"], failed["error_kind"]) == (11, "failed", "expired")
    assert failed["event_time"] == 1_000
    assert len(rows[TOPICS.dead_letters]) == 1


def test_a_shadow_lane_is_withdrawn_without_asking_input_or_model() -> None:
    model = Doubling()
    [rows] = settled([debt([10, 11, 13], "shadow")], model=model)

    assert [(row["outcome"], row["source_offset"], row["span"]) for row in rows] == [
        ("withdrawn", 10, 2),
        ("withdrawn", 13, 1),
    ]
    assert model.asked == []


def test_transactions_have_about_as_many_records_as_a_micro_batch() -> None:
    model = Doubling()
    transactions = settled([debt(range(0, 50, 2)), debt([60]), debt([62])], records=10, model=model)

    assert [len(rows) for rows in transactions] == [10, 10, 7]
    assert max(model.asked) == 10


def test_no_debts_are_no_transactions() -> None:
    assert settled([]) == []
