"""A client for Confluent's Schema Registry (REST), and for what speaks its language: Karapace, Redpanda, Apicurio.

Source: Confluent Schema Registry API reference, version 1. An answer is either a fact, and kept, or an outage.
"""

from __future__ import annotations

import base64
import json
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, unquote, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from schemas.errors import InvalidSchema, SchemaUnavailable, UnknownSchema
from schemas.parsing import RecordSchema, parse

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
UNKNOWN_FOR_S: Final = 30.0
"""How long an id counts as unknown before it is asked for again: garbage must not become one request a record."""

_MAX_UNKNOWN: Final = 10_000
_SCHEMA_NOT_FOUND: Final = 40403
_CONTENT_TYPE: Final = "application/vnd.schemaregistry.v1+json"


class SchemaRegistry:
    """A registry at a URL. Basic authentication from the URL (`https://name:secret@host`), or given here.

    `timeout_s` bounds every wait for the network; `clock` gives seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        timeout_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the schema registry's url must be http://host:port or https://host:port")
        host = parts.netloc.rpartition("@")[2]
        self.url: Final = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._headers = {"Accept": f"{_CONTENT_TYPE}, application/json", "Content-Type": _CONTENT_TYPE}
        self._headers |= _authorization(
            username or unquote(parts.username or ""), password or unquote(parts.password or "")
        )
        self._timeout_s = timeout_s
        self._clock = clock
        self._known: dict[int, RecordSchema] = {}
        self._refused: dict[int, str] = {}
        self._unknown_until: dict[int, float] = {}

    def schema_by_id(self, schema_id: int) -> RecordSchema:
        """The schema of an id; asked for once.

        Raises UnknownSchema, InvalidSchema (not Avro, or refused by the lint), or SchemaUnavailable.
        """
        if schema_id in self._known:
            return self._known[schema_id]
        if schema_id in self._refused:
            raise InvalidSchema(self._refused[schema_id])
        if self._clock() < self._unknown_until.get(schema_id, float("-inf")):
            raise UnknownSchema(self._unknown(schema_id))
        try:
            self._known[schema_id] = self._fetch(schema_id)
        except InvalidSchema as error:
            self._refused[schema_id] = str(error)
            raise
        except UnknownSchema:
            self._remember_unknown(schema_id)
            raise
        return self._known[schema_id]

    def register(self, subject: str, schema_text: str) -> int:
        """The id of a schema under a subject, new or not. Raises InvalidSchema when refused, or SchemaUnavailable."""
        try:
            answer = self._ask(f"/subjects/{quote(subject, safe='')}/versions", {"schema": schema_text})
        except HTTPError as error:
            if error.code not in {409, 422}:
                raise self._outage(_describe(error)) from error
            raise InvalidSchema(
                f"{self.url} refuses the schema for {subject} ({_describe(error)}): "
                "compare it with the subject's versions there, or set the subject's compatibility"
            ) from error
        return int(self._field(answer, "id", int))

    def _fetch(self, schema_id: int) -> RecordSchema:
        try:
            answer = self._ask(f"/schemas/ids/{schema_id}")
        except HTTPError as error:
            if error.code == 404 and _error_code(error) == _SCHEMA_NOT_FOUND:  # noqa: PLR2004 - HTTP's "not found"
                raise UnknownSchema(self._unknown(schema_id)) from error
            raise self._outage(_describe(error)) from error
        source = f"schema {schema_id} of {self.url}"
        if answer.get("schemaType", "AVRO") != "AVRO":
            raise InvalidSchema(f"{source}: is {answer['schemaType']}, not Avro: have the producer write Avro")
        if answer.get("references"):
            raise InvalidSchema(
                f"{source}: refers to other subjects, which is not supported: put the whole schema as "
                f"{schema_id}.avsc into the endpoint's folder of writer schemas"
            )
        return parse(self._field(answer, "schema", str), source)

    def _ask(self, path: str, body: dict[str, str] | None = None) -> dict[str, Any]:
        """The answer to a GET, or to a POST of a body. Raises HTTPError (its body in `.msg`), or SchemaUnavailable."""
        request = Request(  # noqa: S310 - the constructor allows http and https only
            self.url + path, None if body is None else json.dumps(body).encode(), self._headers
        )
        try:
            with urlopen(request, timeout=self._timeout_s) as response:  # noqa: S310 - as above
                answer = json.loads(response.read(MAX_ANSWER_BYTES))
        except HTTPError as error:
            with error:
                error.msg = _text_of(error)
            raise
        except (OSError, HTTPException, ValueError) as error:
            raise self._outage(f"{type(error).__name__}: {error}") from error
        if not isinstance(answer, dict):
            raise self._outage("its answer is not a JSON object")
        return answer

    def _field(self, answer: dict[str, Any], name: str, kind: type) -> Any:
        if not isinstance(answer.get(name), kind):
            raise self._outage(f"its answer has no {name}")
        return answer[name]

    def _outage(self, what: str) -> SchemaUnavailable:
        return SchemaUnavailable(
            f"the schema registry at {self.url} does not answer as one ({what}): "
            "bring it back, or correct its url and credentials in the settings; reading goes on when it answers"
        )

    def _unknown(self, schema_id: int) -> str:
        return (
            f"the registry at {self.url} has no schema {schema_id}: register the writer's schema there, "
            f"or put it as {schema_id}.avsc into the endpoint's folder of writer schemas"
        )

    def _remember_unknown(self, schema_id: int) -> None:
        if len(self._unknown_until) >= _MAX_UNKNOWN:
            self._unknown_until.clear()
        self._unknown_until[schema_id] = self._clock() + UNKNOWN_FOR_S


def _authorization(username: str, password: str) -> dict[str, str]:
    if not username:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


def _text_of(error: HTTPError) -> str:
    try:
        return error.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, HTTPException):
        return ""


def _error_code(error: HTTPError) -> int | None:
    try:
        body = json.loads(error.msg)
    except ValueError:
        return None
    return body.get("error_code") if isinstance(body, dict) else None


def _describe(error: HTTPError) -> str:
    return f"HTTP {error.code} {error.msg[:300]}".strip()
