from __future__ import annotations

import pytest

from understudy.core.log.kafka.selfcheck import Api, IncompatibleClient, Symbol, check, check_attributes, present


def test_the_installed_client_fits() -> None:
    check()


@pytest.mark.parametrize(
    ("symbol", "named"),
    [
        (Symbol("kafka.net.selector:NetworkSelector.vanished"), "NetworkSelector.vanished is missing"),
        (Symbol("kafka.vanished:Thing"), "kafka.vanished:Thing is missing"),
        (Symbol("kafka.net.selector:NetworkSelector.poll", ("future", "timeout_ms")), r"poll takes \['timeout_ms'"),
        (Symbol("kafka.net.selector:NetworkSelector.poll", ("deadline",)), r"takes \[\] of the parameters"),
    ],
)
def test_a_symbol_that_changed_is_named_with_the_versions_that_fit(symbol: Symbol, named: str) -> None:
    with pytest.raises(IncompatibleClient, match=named) as caught:
        check([symbol], [])
    assert "kafka-python>=3.0.12,<3.1" in str(caught.value)


def test_a_request_version_that_is_not_spoken_is_named() -> None:
    with pytest.raises(IncompatibleClient, match=r"ProduceRequest speaks versions .* and version 99 is needed"):
        check([], [Api("kafka.protocol.producer:ProduceRequest", 99)])


def test_an_attribute_that_an_object_lacks_is_named() -> None:
    with pytest.raises(IncompatibleClient, match=r"Symbol\._fetcher is missing"):
        check_attributes(Symbol("a:b"), ["path", "_fetcher"])


def test_optional_symbols_may_be_missing() -> None:
    there = Symbol("kafka.net.selector:NetworkSelector.poll")
    assert present([there])
    assert not present([there, Symbol("kafka.vanished:Thing")])
