from __future__ import annotations

import pytest

from schemas.errors import SchemaUnavailable
from understudy.app.failures import told
from understudy.app.releasing.errors import NotFinished
from understudy.core.log.errors import Fenced
from understudy.core.settings import SettingsError
from understudy.deployments.errors import Refused
from understudy.deployments.plan import InvalidPlan
from understudy.models.errors import UnknownModel


@pytest.mark.parametrize(
    "kind", [Fenced, SettingsError, InvalidPlan, UnknownModel, SchemaUnavailable, Refused, NotFinished]
)
def test_errors_whose_text_is_for_people_are_told(kind: type[Exception]) -> None:
    assert told(kind("what to do")) == "what to do"


def test_an_error_without_a_text_has_its_name() -> None:
    assert told(Fenced()) == "Fenced"


def test_what_nobody_foresaw_keeps_its_traceback() -> None:
    assert told(ZeroDivisionError("division by zero")) is None
