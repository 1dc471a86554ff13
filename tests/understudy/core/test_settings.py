from __future__ import annotations

import pytest
from pydantic import ValidationError

from understudy.core.settings import Settings, SettingsError


def settings(**values: object) -> Settings:
    return Settings.model_validate({"endpoint": "flights", **values})


def test_every_default_is_there() -> None:
    assert settings().names.input == "flights.input"
    assert settings().input.start == "earliest"
    assert settings().topics.replication_factor == -1


def test_what_is_needed_and_missing_is_named() -> None:
    with pytest.raises(SettingsError, match=r"\[input\] schema is missing"):
        settings().require_schema()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        settings().endpoint = "other"


@pytest.mark.parametrize(
    "values",
    [
        {"endpoint": "two words"},
        {"kafka": {"bootstrp": "x"}},
        {"input": {"start": "2013-04-01T00:00:00"}},
        {"plan": {"production": "delay:v1"}},
        {"worker": {"micro_batch_records": 0}},
        {"comparator": {"tolerances": {"number": {"absolute": -1}}}},
        {"topics": {"partitions": 0}},
    ],
)
def test_nonsense_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**values)
