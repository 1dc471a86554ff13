from __future__ import annotations

import pytest
from typer.testing import CliRunner

from understudy.app.cli import build
from understudy.app.demo.acts import ACTS
from understudy.app.demo.orders import Command, deploy, promote, rollback

COMMANDS = [step for act in ACTS for step in act.steps if isinstance(step, Command)]


def test_words_are_what_a_person_would_type() -> None:
    assert deploy("m:v1", "basic").words == "understudy deploy m:v1 --strategy basic"
    assert deploy("m:v2", "canary", "2.5").words == "understudy deploy m:v2 --strategy canary --share 2.5"
    assert promote("m:v2").words == "understudy promote m:v2"
    assert rollback("m:v2").words == "understudy rollback m:v2"


def test_a_share_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="is no share"):
        deploy("m:v2", "canary", "500")


@pytest.mark.parametrize("given", COMMANDS, ids=lambda given: given.words)
def test_the_command_line_takes_every_command_of_the_story(given: Command) -> None:
    program, *arguments = given.words.split()

    result = CliRunner().invoke(build(), [*arguments, "--help"])

    assert program == "understudy"
    assert result.exit_code == 0, result.output
