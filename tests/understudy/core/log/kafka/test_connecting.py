from __future__ import annotations

import gc
import socket
import warnings

import pytest

from understudy.core.log.errors import LogUnavailable
from understudy.core.log.kafka import KafkaLog


def test_connections_that_are_refused_leave_no_socket_behind() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        log = KafkaLog(address, connect_timeout_s=0.5)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", ResourceWarning)
            with pytest.raises(LogUnavailable, match=address):
                log.admin()
            gc.collect()
    assert [str(each.message) for each in warned] == []


def test_connections_that_are_given_up_while_they_are_made_leave_no_socket_behind() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):
            address = f"127.0.0.1:{full.getsockname()[1]}"
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always", ResourceWarning)
                with pytest.raises(LogUnavailable, match=address):
                    KafkaLog(address, connect_timeout_s=0.5).admin()
                gc.collect()
    assert [str(each.message) for each in warned] == []
