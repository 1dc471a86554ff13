"""Replays the flights onto the input topic, and tells when each is written."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from understudy.app.records.event_files import Line
from understudy.app.records.producing import Fields, produce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

TIME_FIELD: Final = "pushed_back_ms"
"""Stands beside the schema's fields, and becomes the record's time."""
STOP_S: Final = 10.0


class Replay:
    """Writes flights in a thread of its own, at a steady rate.

    flights: as examples.flights.events.Flight. written: called with each of them and the time, just before.
    """

    def __init__(
        self,
        log: Log,
        settings: Settings,
        flights: Iterable[Any],
        rate_per_s: float,
        written: Callable[[Any, float], None],
    ) -> None:
        self._log = log
        self._settings = settings
        self._flights = flights
        self._rate_per_s = rate_per_s
        self._written = written
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def check(self) -> None:
        """Raise what stopped the writing."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Write no more, and wait until what is being written is."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            fields = Fields(key="tailnum", time=TIME_FIELD)
            rate = self._rate_per_s
            produce(self._log, self._settings, self._lines(), fields, rate_per_s=rate, pause=self._pause)
        except Exception as error:  # noqa: BLE001 - kept for check(), which raises it in the main thread
            self._error = error

    def _pause(self, seconds: float) -> None:
        self._stop.wait(seconds)

    def _lines(self) -> Iterator[Line]:
        for number, flight in enumerate(self._flights, start=1):
            if self._stop.is_set():
                return
            self._written(flight, time.monotonic())
            yield Line(number, flight.event | {TIME_FIELD: flight.timestamp_ms})
