"""What a worker's transaction carries: answers and errors, and dead letters beside the errors."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from understudy.core.log.contract import TopicPartition
from understudy.core.outgoing import outputs
from workers.dead_letters import Refused

if TYPE_CHECKING:
    from understudy.core.batches import Headers
    from understudy.core.log.contract import Output
    from understudy.core.topics import EndpointTopics
    from understudy.models.outputs import Failure
    from workers.answering import Outcomes
    from workers.dead_letters import DeadLetters
    from workers.lanes import Part
    from workers.rows import PredictionRows


@dataclass(frozen=True, slots=True)
class _Records:
    """Records for one partition, as columns."""

    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    timestamps_ms: list[int] = field(default_factory=list)
    headers: list[Headers] = field(default_factory=list)


class Sending:
    """Gathers the outcomes of micro-batches, so that each partition gets one batch of them."""

    def __init__(self, topics: EndpointTopics, rows: PredictionRows, dead_letters: DeadLetters) -> None:
        self._topics: Final = topics
        self._rows: Final = rows
        self._dead_letters: Final = dead_letters
        self._records: Final[defaultdict[TopicPartition, _Records]] = defaultdict(_Records)

    def add(self, outcomes: Outcomes) -> None:
        """Rows for a part's records, and dead letters for those without an answer."""
        part = outcomes.part
        written = self._rows.write(outcomes)
        records = self._answers(part)
        records.keys.extend(written.keys)
        records.values.extend(written.rows)
        records.timestamps_ms.extend(outcomes.details.event_times_ms)
        for index, failure in written.failures:
            self._refuse(part, index, failure, outcomes.details.event_times_ms[index])

    def withdraw(self, part: Part) -> None:
        """Rows that say that a part's records are not answered."""
        written = self._rows.withdrawn(part)
        records = self._answers(part)
        records.keys.extend([None] * len(written.rows))
        records.values.extend(written.rows)
        records.timestamps_ms.extend(written.event_times_ms)

    def outputs(self) -> list[Output]:
        """Everything that was added, in the lanes' order."""
        return [
            output
            for at, records in sorted(self._records.items())
            for output in outputs(at, records.keys, records.values, records.timestamps_ms, records.headers or None)
        ]

    def _answers(self, part: Part) -> _Records:
        topic = self._topics.predictions if part.role == "answering" else self._topics.shadow_predictions
        return self._records[TopicPartition(topic, part.header.source_partition)]

    def _refuse(self, part: Part, index: int, failure: Failure, event_time_ms: int) -> None:
        partition, columns = part.header.source_partition, part.columns
        letter = self._dead_letters.letter(
            Refused(
                TopicPartition(self._topics.input, partition),
                part.source_offsets[index],
                columns.keys[index],
                columns.values[index],
                columns.headers[index],
                failure,
            )
        )
        records = self._records[TopicPartition(self._topics.dead_letters, partition)]
        records.keys.append(letter.key)
        records.values.append(letter.value)
        records.timestamps_ms.append(event_time_ms)
        records.headers.append(letter.headers)
