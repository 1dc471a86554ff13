from __future__ import annotations

import pytest
from typer.testing import CliRunner

from understudy.app.broker_choice import BadChoice
from understudy.app.cli import build


def test_a_broker_that_is_none_is_refused_before_anything_is_trained() -> None:
    with pytest.raises(BadChoice, match="'docker' is no broker"):
        CliRunner().invoke(build(), ["demo", "--broker", "docker"], catch_exceptions=False)
