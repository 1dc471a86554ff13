"""Transactions of outputs only, outside any group."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final, Self

from kafka import errors

from understudy.core.log.errors import LogError
from understudy.core.log.kafka.client import RETRIABLE, refused
from understudy.core.log.kafka.producer import TransactionLost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from understudy.core.log.contract import Output
    from understudy.core.log.kafka.client import Client
    from understudy.core.log.kafka.producer import Producer

log = logging.getLogger(__name__)

PATIENCE_S: Final = 30.0


class KafkaWriter:
    """See `contract.Writer`. Not for use by more than one thread."""

    def __init__(self, client: Client, producer: Producer) -> None:
        self._client = client
        self._producer = producer
        self._clean = False

    def commit(self, outputs: Iterable[Output]) -> bool:
        """See `contract.Writer.commit`. An output topic that does not exist raises UnknownTopic."""
        appended = tuple(outputs)
        if not appended:
            return True
        if not self.take():
            return False
        self._clean = False
        try:
            self._producer.commit(appended)
        except TransactionLost as error:
            log.info("A transaction was lost, or its outcome is not known: %s", error)
            return False
        self._clean = True
        return True

    def take(self) -> bool:
        """See `contract.Writer.take`."""
        if not self._clean:
            try:
                self._producer.initialise(time.monotonic() + PATIENCE_S)
            except RETRIABLE as error:
                log.info("No transaction could be begun: %s", error)
                return False
            except errors.KafkaError as error:
                raise refused(error, "to begin a transaction") from error
            self._clean = True
        return True

    def close(self) -> None:
        """Abort what is open, and close."""
        if not self._clean:
            self._end_open()
        self._client.close()

    def _end_open(self) -> None:
        try:
            self._producer.initialise(time.monotonic() + 1)
        except (errors.KafkaError, LogError) as error:
            log.debug("nothing could be aborted: %s", error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
