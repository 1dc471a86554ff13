"""What kafka-python may say: warnings that a person can use, never its DEBUG lines, which contain passwords."""

from __future__ import annotations

import logging
from typing import Final

HARMLESS: Final = (
    "Metadata refresh loop error",  # said on every close
    "Task ",  # a slow step of its event loop: a busy machine, which other measurements show
)
"""How records begin that are dropped."""


class Harmless(logging.Filter):
    """Drops what is said on every close and means nothing."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(HARMLESS)


def pin_loggers() -> None:
    """Set the `kafka` logger to WARNING unless it is stricter, and raise any of its loggers that is below INFO."""
    root = logging.getLogger("kafka")
    if root.level < logging.WARNING:
        root.setLevel(logging.WARNING)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("kafka.")]:
        logger = logging.getLogger(name)
        if logging.NOTSET < logger.level < logging.INFO:
            logger.setLevel(logging.INFO)
    for name in ("kafka.cluster", "kafka.net.selector"):
        logger = logging.getLogger(name)
        if not any(isinstance(known, Harmless) for known in logger.filters):
            logger.addFilter(Harmless())
