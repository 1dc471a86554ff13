"""One micro-batch: decode, score once, and say of every record what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from schemas.encodings import Undecodable
from understudy.models.outputs import Failure
from understudy.models.scoring import Scored
from workers.events import EventFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from schemas.encodings import InputDecoder
    from understudy.models.outputs import Answer
    from understudy.models.scoring import Scorer
    from workers.events import Details
    from workers.lanes import Part

    Event = Mapping[str, object] | Failure


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of a part's records: one result for each, in the part's order, and their details.

    model_time_ns: the micro-batch's time in the model, divided by the events that the model was asked about.
    """

    part: Part
    results: Sequence[Answer | Failure]
    details: Details
    model_time_ns: int


NO_FIELDS: Final = EventFields()


class Answering:
    """Decodes and scores micro-batches.

    cautious: scores in the place of `scorer` what may have killed an earlier instance.
    """

    def __init__(
        self,
        decoder: InputDecoder,
        scorer: Scorer,
        fields: EventFields = NO_FIELDS,
        *,
        cautious: Scorer | None = None,
    ) -> None:
        self._decoder: Final = decoder
        self._scorer: Final = scorer
        self._fields: Final = fields
        self._cautious: Final = cautious or scorer

    def answer(self, parts: Sequence[Part], *, suspect: bool = False) -> list[Outcomes]:
        """What becomes of a micro-batch's records. The model is asked once, about all events that could be decoded.

        suspect: one of the records may have killed an earlier instance. Raises SchemaUnavailable, before the model is
        asked.
        """
        decoded = [self._decoded(part) for part in parts]
        events = [event for event in chain.from_iterable(decoded) if not isinstance(event, Failure)]
        scorer = self._cautious if suspect else self._scorer
        scored = scorer.score(events) if events else Scored((), 0)
        answers = iter(scored.results)
        each_ns = scored.model_time_ns // max(len(events), 1)
        return [
            Outcomes(part, _merged(those, answers), self._details(part, those), each_ns)
            for part, those in zip(parts, decoded, strict=True)
        ]

    def _decoded(self, part: Part) -> list[Event]:
        if part.unreadable is not None:
            return [Failure("undecodable", part.unreadable)] * len(part.columns)
        decode = self._decoder.decode
        events: list[Event] = []
        for value in part.columns.values:
            try:
                events.append(decode(value))
            except Undecodable as error:
                events.append(Failure("undecodable", str(error)))
        return events

    def _details(self, part: Part, events: Sequence[Event]) -> Details:
        known = [{} if isinstance(event, Failure) else event for event in events]
        return self._fields.details(known, part.columns.timestamps_ms)


def _merged(events: Sequence[Event], answers: Iterator[Answer | Failure]) -> list[Answer | Failure]:
    """The model's answers, and the failures of those that it was not asked about in their places."""
    return [event if isinstance(event, Failure) else next(answers) for event in events]
