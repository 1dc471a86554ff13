"""A transactional id: how it is taken, how its epoch moves on, and how another instance's taking it is noticed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from kafka import errors

from understudy.core.log.errors import Fenced
from understudy.core.log.kafka import transaction_requests as requests
from understudy.core.log.kafka.client import ensure

if TYPE_CHECKING:
    from understudy.core.log.kafka.client import Client, TransactionVersion

FENCING: Final = (
    errors.ProducerFencedError,
    errors.InvalidProducerEpochError,
    errors.InvalidProducerIdMappingError,
    errors.TransactionCoordinatorFencedError,
)


class TransactionalId:
    """One transactional id and who writes under it: this instance, once it has taken it.

    former: how the coordinator had ended the id's transaction before the id was last taken: by commit or by abort; None
    where there was none, or where this instance was told of the end itself.
    """

    def __init__(self, client: Client, name: str, timeout_s: float, version: TransactionVersion) -> None:
        self._client = client
        self._timeout_ms = int(timeout_s * 1000)
        self.who = requests.Identity(name, requests.VERSIONS[version])
        self.former: requests.End | None = None

    def take(self, deadline: float) -> None:
        """Take the id and end what it left open. Waits until that is done.

        A first call fences every earlier holder of the id; later calls present the id's epoch, and so are fenced when
        somebody took it meanwhile. Raises Fenced; a KafkaError that passes at the deadline.
        """
        self.former = None
        try:
            answer = self._retake(deadline) if self.who.is_known else self._take_first(deadline)
        except FENCING as error:
            raise Fenced(
                f"Another instance runs as {self.who.transactional_id}, and this one must exit. Give every instance a "
                "slot of its own."
            ) from error
        self.renew(answer.producer_id, answer.producer_epoch)

    def renew(self, producer_id: int, epoch: int) -> None:
        """Go on under this epoch."""
        self.who = replace(self.who, producer_id=producer_id, epoch=epoch)

    def coordinator(self) -> int:
        """The node that coordinates the id. Raises KafkaError."""
        return self._client.coordinator("transaction", self.who.transactional_id)

    def _take_first(self, deadline: float) -> Any:
        found = self._client.retry(self._describe, deadline)
        answer = self._client.retry(lambda: self._ask(self.who), deadline)
        self.former = None if found is None else requests.end_of(found)
        return answer

    def _retake(self, deadline: float) -> Any:
        """Take it again.

        The end of a transaction raises the epoch by one, and whose transaction was lost may not have been told. A
        coordinator takes the epoch before, too, but forgets it when it loads its log anew, after a broker died; it is
        then asked again with the epoch that follows.
        """
        try:
            return self._client.retry(lambda: self._ask(self.who), deadline)
        except FENCING:
            found = self._client.retry(self._describe, deadline)
            if found is None or not requests.has_only_ended(self.who, found):
                raise
            following = replace(self.who, epoch=self.who.epoch + 1)
            answer = self._client.retry(lambda: self._ask(following), deadline)
            self.former = requests.end_of(found)
            return answer

    def _describe(self) -> Any:
        """The coordinator's state of the id; None where it knows none."""
        answer = self._client.call(requests.describe_request(self.who), self.coordinator())
        found = answer.transaction_states[0]
        if found.error_code == errors.TransactionalIdNotFoundError.errno:
            return None
        ensure(found.error_code, self.who.transactional_id)
        return found

    def _ask(self, who: requests.Identity) -> Any:
        answer = self._client.call(requests.init_request(who, self._timeout_ms), self.coordinator())
        ensure(answer.error_code, who.transactional_id)
        return answer
