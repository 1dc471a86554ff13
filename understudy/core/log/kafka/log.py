"""The log on Apache Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka import errors

from understudy.core.log.contract import EMPTY
from understudy.core.log.kafka.admin import KafkaAdmin
from understudy.core.log.kafka.client import Address, Client, unavailable
from understudy.core.log.kafka.connecting import patch_connecting
from understudy.core.log.kafka.group import Membership, check_slot
from understudy.core.log.kafka.producer import Producer
from understudy.core.log.kafka.quiet import pin_loggers
from understudy.core.log.kafka.reader import KafkaReader
from understudy.core.log.kafka.receiving import patch_receiving
from understudy.core.log.kafka.selfcheck import check
from understudy.core.log.kafka.session import KafkaSession
from understudy.core.log.kafka.writer import KafkaWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from understudy.core.log.contract import SessionSpec, TopicPartition
    from understudy.core.log.kafka.client import TransactionVersion

WRITER_TRANSACTION_TIMEOUT_S = 5.0


class KafkaLog:
    """See `contract.Log`.

    bootstrap: host:port, several with commas. security: kafka-python's names (security_protocol, ssl_cafile,
    sasl_mechanism, sasl_plain_username, ...). transaction_version: None asks the cluster. Making one connects to
    nothing; it checks that the installed kafka-python fits, and raises IncompatibleClient.
    """

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, object] = EMPTY,
        *,
        client_id: str = "understudy",
        connect_timeout_s: float = 10.0,
        transaction_version: TransactionVersion | None = None,
    ) -> None:
        check()
        pin_loggers()
        patch_receiving()
        patch_connecting()
        self._address = Address(bootstrap, security, client_id, connect_timeout_s)
        self._transaction_version = transaction_version

    def session(self, spec: SessionSpec) -> KafkaSession:
        """See `contract.Log.session`."""
        check_slot(spec.slot)
        client = Client(self._address)
        try:
            producer = self._producer(client, spec.slot, spec.transaction_timeout_s)
            return KafkaSession(spec, client, Membership(self._address, spec), producer)
        except BaseException:
            client.close()
            raise

    def reader(self, start: Mapping[TopicPartition, int]) -> KafkaReader:
        """See `contract.Log.reader`. Raises LogUnavailable."""
        return KafkaReader(Client(self._address), start)

    def writer(self, transactional_id: str) -> KafkaWriter:
        """See `contract.Log.writer`. Raises LogUnavailable."""
        client = Client(self._address)
        try:
            return KafkaWriter(client, self._producer(client, transactional_id, WRITER_TRANSACTION_TIMEOUT_S))
        except BaseException:
            client.close()
            raise

    def admin(self) -> KafkaAdmin:
        """See `contract.Log.admin`. Raises LogUnavailable."""
        return KafkaAdmin(Client(self._address))

    def _producer(self, client: Client, transactional_id: str, timeout_s: float) -> Producer:
        version = self._transaction_version
        if version is None:
            try:
                version = client.transaction_version()
            except errors.KafkaError as error:
                raise unavailable(self._address, error) from error
        return Producer(client, transactional_id, transaction_timeout_s=timeout_s, version=version)
