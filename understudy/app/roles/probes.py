"""Health over HTTP, for whoever runs the roles as containers."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final, NamedTuple

from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEALTHY: Final = "/healthz"
READY: Final = "/readyz"
OK: Final = 200
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
ASK_TIMEOUT_S: Final = 5.0


class Health:
    """What a role's loop says of itself; probes ask from other threads.

    stale_s: how long the loop may take to come round. changed: told each time the role becomes ready, or is no more.
    """

    def __init__(
        self,
        stale_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._stale_s: Final = stale_s
        self._clock: Final = clock
        self._changed: Final = changed
        self._ticked_s = clock()
        self._is_unhurried = False
        self._waits_for = "it is starting"

    def tick(self) -> None:
        """The loop came round."""
        self._ticked_s = self._clock()

    @contextmanager
    def unhurried(self) -> Iterator[None]:
        """For what takes as long as it takes and says nothing meanwhile: a model that is loaded."""
        self._is_unhurried = True
        try:
            yield
        finally:
            self.tick()
            self._is_unhurried = False

    def wait_for(self, what: str) -> None:
        """The role is not ready; `what` says why, in words for people."""
        was_ready, self._waits_for = not self._waits_for, what
        if was_ready:
            self._changed(False)

    def ready(self) -> None:
        """The role does its work."""
        was_ready, self._waits_for = not self._waits_for, ""
        if not was_ready:
            self._changed(True)

    def unhealthy(self) -> str:
        """Why the role should be started anew; "" where it should not."""
        silent_s = self._clock() - self._ticked_s
        is_stale = silent_s > self._stale_s and not self._is_unhurried
        return f"the loop has not come round for {silent_s:.0f} s" if is_stale else ""

    def unready(self) -> str:
        """Why the role is not ready; "" where it is."""
        return self.unhealthy() or self._waits_for


@contextmanager
def serving(health: Health, host: str, port: int | None) -> Iterator[int]:
    """Answer probes on a thread, for the length of a block; gives the port. None and 0 are off.

    Raises SettingsError where the port cannot be had.
    """
    if not port:
        yield 0
        return
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise SettingsError(f"[health] port: {host}:{port} cannot be listened on: {error.strerror}.") from error
    server.health = health
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="probes", daemon=True)
    thread.start()
    try:
        yield port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    health: Health


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        questions = {HEALTHY: self.server.health.unhealthy, READY: self.server.health.unready}
        asked = questions.get(self.path.partition("?")[0])
        if asked is None:
            return self._answer(NOT_FOUND, f"ask {HEALTHY} or {READY}")
        reason = asked()
        return self._answer(UNAVAILABLE if reason else OK, reason or "ok")

    def _answer(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Probes come every few seconds, and say nothing worth a line."""


class Answered(NamedTuple):
    """What a probe was told."""

    ok: bool
    text: str


def ask(port: int, *, ready: bool = False, host: str = "127.0.0.1") -> Answered:
    """Ask a role on this machine, as a container's health check does."""
    connection = HTTPConnection(host, port, timeout=ASK_TIMEOUT_S)
    try:
        connection.request("GET", READY if ready else HEALTHY)
        answer = connection.getresponse()
        return Answered(answer.status == OK, answer.read().decode(errors="replace").strip())
    except (HTTPException, OSError) as error:
        return Answered(False, f"nothing answers on port {port}: {error}")
    finally:
        connection.close()
