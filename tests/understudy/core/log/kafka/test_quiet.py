from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from understudy.core.log.kafka.quiet import pin_loggers

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    names = ("kafka", "kafka.net.connection", "kafka.cluster")
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def test_debug_lines_which_show_passwords_are_never_written(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("kafka.net.connection").setLevel(logging.DEBUG)
    pin_loggers()
    logging.getLogger("kafka.net.connection").debug("sasl_plain_password=secret")
    assert "secret" not in caplog.text


def test_a_stricter_level_is_kept() -> None:
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    pin_loggers()
    assert logging.getLogger("kafka").level == logging.CRITICAL


def test_what_is_said_on_every_close_is_dropped_and_other_errors_are_not(caplog: pytest.LogCaptureFixture) -> None:
    pin_loggers()
    pin_loggers()
    logging.getLogger("kafka.cluster").error("Metadata refresh loop error: %s", "closed")
    logging.getLogger("kafka.cluster").error("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]
