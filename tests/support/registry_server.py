"""A schema registry on 127.0.0.1, as much of one as its client needs, that can go away and come back."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class RegistryState:
    """What the registry holds and was asked; it outlives the server, as a registry's topic does."""

    by_id: dict[int, dict[str, Any]] = field(default_factory=dict)
    subjects: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    instead: tuple[int, bytes] | None = None
    """A status and a body to answer with, whatever is asked."""
    credentials: str | None = None
    """name:secret that is asked for."""
    cut_off: bool = False
    """Whether answers break off in the middle."""

    def add(self, schema_id: int, text: str, **more: Any) -> None:
        self.by_id[schema_id] = {"schema": text, **more}

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        schema_id = int(path.rpartition("/")[2])
        if path.startswith("/schemas/ids/") and schema_id in self.by_id:
            return 200, self.by_id[schema_id]
        return 404, {"error_code": 40403, "message": f"Schema {schema_id} not found"}

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        ids = self.subjects.setdefault(path, [])
        known = next((each for each, held in self.by_id.items() if held["schema"] == body["schema"]), None)
        schema_id = known or max(self.by_id, default=0) + 1
        self.add(schema_id, body["schema"])
        ids.append(schema_id)
        return 200, {"id": schema_id}


class _Server(ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    state: RegistryState


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Tests look at `asked`."""

    def _answer(self, body: dict[str, Any] | None) -> None:
        state = cast("_Server", self.server).state
        state.asked.append(f"{self.command} {self.path}")
        status, data = self._decide(state, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:3] if state.cut_off else data)

    def _decide(self, state: RegistryState, body: dict[str, Any] | None) -> tuple[int, bytes]:
        if state.instead is not None:
            return state.instead
        if state.credentials is not None:
            expected = "Basic " + base64.b64encode(state.credentials.encode()).decode()
            if self.headers["Authorization"] != expected:
                return 401, b'{"error_code":401,"message":"Unauthorized"}'
        status, answer = state.get(self.path) if body is None else state.post(self.path, body)
        return status, json.dumps(answer).encode()


@contextmanager
def serving(state: RegistryState, port: int = 0) -> Iterator[int]:
    """Serves until the block ends; gives the port (0: any free one)."""
    with _Server(("127.0.0.1", port), _Handler) as server:
        server.state = state
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
