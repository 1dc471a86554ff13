from __future__ import annotations

from support.lanes import TOPICS, VERSION, encoders, row_of
from support.pile import stored

from understudy.core.frames import frame_of
from understudy.models.outputs import Answer, Failure
from workers.answering import Outcomes
from workers.dead_letters import DeadLetters
from workers.events import Details
from workers.lanes import Part
from workers.rows import PredictionRows
from workers.sending import Sending


def sending() -> Sending:
    return Sending(TOPICS, PredictionRows(VERSION, encoders()), DeadLetters(VERSION))


def outcomes(*results: Answer | Failure, base_offset: int = 10, partition: int = 3, shadow: bool = False) -> Outcomes:
    offsets = range(base_offset, base_offset + len(results))
    columns = stored([b"value"] * len(results), base_offset).columns
    header = frame_of(offsets, revision=1, source_partition=partition)
    part = Part("shadow" if shadow else "answering", header, offsets, columns)
    details = Details([5_000 + offset for offset in offsets], [None] * len(results), [{}] * len(results))
    return Outcomes(part, results, details, 0)


def test_a_partition_gets_one_batch_of_all_that_was_added() -> None:
    gathered = sending()
    gathered.add(outcomes(Answer(number=1.0), Answer(number=2.0)))
    gathered.add(outcomes(Answer(number=3.0), base_offset=12))
    gathered.add(outcomes(Answer(number=4.0), partition=0))
    gathered.add(outcomes(Answer(number=5.0), shadow=True))

    made = {(output.topic, output.partition): output.batch.columns for output in gathered.outputs()}

    assert {
        at: [(row_of(value)["source_offset"], row_of(value)["number"]) for value in columns.values]
        for at, columns in made.items()
    } == {
        (TOPICS.predictions, 3): [(10, 1.0), (11, 2.0), (12, 3.0)],
        (TOPICS.predictions, 0): [(10, 4.0)],
        (TOPICS.shadow_predictions, 3): [(10, 5.0)],
    }
    columns = made[TOPICS.predictions, 3]
    assert (columns.keys, list(columns.timestamps_ms)) == ([b"k10", b"k11", b"k12"], [5_010, 5_011, 5_012])


def test_a_dead_letter_stands_beside_each_error_row() -> None:
    gathered = sending()
    gathered.add(outcomes(Answer(number=1.0), Failure("invalid", "no x")))

    letters, rows = gathered.outputs()

    assert (letters.topic, letters.partition, rows.topic) == (TOPICS.dead_letters, 3, TOPICS.predictions)
    assert [row_of(value)["outcome"] for value in rows.batch.columns.values] == ["answered", "failed"]
    told = dict(letters.batch.columns.headers[0])
    assert (told["__connect.errors.topic"], told["__connect.errors.offset"]) == (TOPICS.input.encode(), b"11")
    assert (letters.batch.columns.keys, letters.batch.columns.values) == ([b"k11"], [b"value"])


def test_nothing_added_is_nothing_to_send() -> None:
    assert sending().outputs() == []


def test_withdrawn_records_have_rows_without_keys_in_their_lanes_topic() -> None:
    gathered = sending()
    gathered.withdraw(outcomes(*[Answer(number=1.0)] * 3, shadow=True).part)

    [rows] = gathered.outputs()

    assert (rows.topic, rows.partition, rows.batch.columns.keys) == (TOPICS.shadow_predictions, 3, [None])
    assert [(row_of(value)["source_offset"], row_of(value)["span"]) for value in rows.batch.columns.values] == [(10, 3)]
