from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support.registry_server import RegistryState, serving

from schemas.errors import InvalidSchema, SchemaUnavailable, UnknownSchema
from schemas.registry import UNKNOWN_FOR_S, SchemaRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = '{"type":"record","name":"E","fields":[{"name":"a","type":"int"}]}'


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def state() -> RegistryState:
    return RegistryState()


@pytest.fixture
def port(state: RegistryState) -> Iterator[int]:
    with serving(state) as port:
        yield port


@pytest.fixture
def registry(port: int) -> SchemaRegistry:
    return SchemaRegistry(f"http://127.0.0.1:{port}/")


def test_a_schema_is_asked_for_once(state: RegistryState, registry: SchemaRegistry) -> None:
    state.add(7, TEXT)
    assert registry.schema_by_id(7)["name"] == "E"
    assert registry.schema_by_id(7) is registry.schema_by_id(7)
    assert state.asked == ["GET /schemas/ids/7"]


def test_an_unknown_id_is_asked_for_again_only_after_a_while(state: RegistryState, port: int) -> None:
    now = 1_000.0
    registry = SchemaRegistry(f"http://127.0.0.1:{port}", clock=lambda: now)
    for _ in range(3):
        with pytest.raises(UnknownSchema, match=r"has no schema 9: register.*put it as 9\.avsc"):
            registry.schema_by_id(9)
    assert state.asked == ["GET /schemas/ids/9"]
    state.add(9, TEXT)
    now += UNKNOWN_FOR_S
    assert registry.schema_by_id(9)["name"] == "E"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"schema": "{", "schemaType": "PROTOBUF"}, "is PROTOBUF, not Avro"),
        ({"schema": TEXT, "references": [{"name": "x"}]}, r"refers to other subjects.*5\.avsc"),
        ({"schema": "{"}, "not an Avro schema"),
        ({"schema": '"string"'}, "not a record"),
        ({"schema": TEXT.replace('"int"', '{"type":"array","items":"null"}')}, "items take no bytes"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_and_remembered(
    state: RegistryState, registry: SchemaRegistry, answer: dict[str, Any], words: str
) -> None:
    state.by_id[5] = answer
    for _ in range(2):
        with pytest.raises(InvalidSchema, match=f"schema 5 of http.*{words}"):
            registry.schema_by_id(5)
    assert len(state.asked) == 1


def test_an_outage_is_told_apart_and_ends_when_the_registry_is_back(state: RegistryState) -> None:
    state.add(7, TEXT)
    with serving(state) as port:
        registry = SchemaRegistry(f"http://127.0.0.1:{port}")
    with pytest.raises(SchemaUnavailable, match=r"does not answer as one.*bring it back"):
        registry.schema_by_id(7)
    with serving(state, port):
        assert registry.schema_by_id(7)["name"] == "E"
    assert registry.schema_by_id(7)["name"] == "E"


@pytest.mark.parametrize(
    "instead",
    [
        (500, b'{"error_code":50001,"message":"backend store"}'),
        (503, b""),
        (429, b"slow down"),
        (403, b"{}"),
        (404, b"<html>no such page</html>"),
        (404, b'{"error_code":404,"message":"HTTP 404 Not Found"}'),
        (404, b"[]"),
        (200, b"<html>a login page</html>"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"schema": 3}'),
        (200, b"\xff"),
    ],
)
def test_whatever_is_no_answer_of_a_registry_is_an_outage(
    state: RegistryState, registry: SchemaRegistry, instead: tuple[int, bytes]
) -> None:
    state.instead = instead
    with pytest.raises(SchemaUnavailable):
        registry.schema_by_id(7)
    with pytest.raises(SchemaUnavailable):
        registry.register("t-value", TEXT)
    state.add(7, TEXT)
    state.instead = None
    assert registry.schema_by_id(7)["name"] == "E"


def test_an_answer_that_breaks_off_is_an_outage(state: RegistryState, registry: SchemaRegistry) -> None:
    state.add(7, TEXT)
    state.cut_off = True
    with pytest.raises(SchemaUnavailable):
        registry.schema_by_id(7)


def test_a_schema_is_registered_under_its_subject(state: RegistryState, registry: SchemaRegistry) -> None:
    schema_id = registry.register("a topic/value", TEXT)
    assert state.by_id[schema_id]["schema"] == TEXT
    assert state.subjects == {"/subjects/a%20topic%2Fvalue/versions": [schema_id]}
    assert registry.register("a topic/value", TEXT) == schema_id


@pytest.mark.parametrize("status", [409, 422])
def test_a_refused_registration_is_not_an_outage(state: RegistryState, registry: SchemaRegistry, status: int) -> None:
    state.instead = (status, json.dumps({"error_code": status, "message": "incompatible"}).encode())
    with pytest.raises(InvalidSchema, match=r"refuses the schema for t-value.*incompatible.*compare it"):
        registry.register("t-value", TEXT)


def test_credentials_come_from_the_url_or_are_given(state: RegistryState, port: int) -> None:
    state.add(7, TEXT)
    state.credentials = "me:p@ss"
    assert SchemaRegistry(f"http://me:p%40ss@127.0.0.1:{port}").schema_by_id(7)["name"] == "E"
    assert SchemaRegistry(f"http://127.0.0.1:{port}", username="me", password="p@ss").schema_by_id(7)["name"] == "E"


def test_a_secret_with_a_percent_sign_is_taken_as_given(state: RegistryState, port: int) -> None:
    state.add(7, TEXT)
    state.credentials = "me:50%25"
    assert SchemaRegistry(f"http://127.0.0.1:{port}", username="me", password="50%25").schema_by_id(7)["name"] == "E"


def test_wrong_credentials_are_an_outage_that_does_not_tell_the_secret(state: RegistryState, port: int) -> None:
    state.credentials = "me:right"
    with pytest.raises(SchemaUnavailable, match=r"HTTP 401.*credentials") as caught:
        SchemaRegistry(f"http://me:wrong@127.0.0.1:{port}").schema_by_id(7)
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "localhost:8081", "file:///etc/passwd", "ftp://host", "http://"])
def test_a_url_that_is_none_of_a_registry_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port or https://host:port"):
        SchemaRegistry(url)
