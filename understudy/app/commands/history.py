"""The command `history`."""

from typing import Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import complain, say, say_json


def history(
    context: typer.Context,
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what did not take effect: requests that came too late, or were refused.")
    ] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Tell the story of the releases: when, who, what, why."""
    from understudy.app.releasing.telling import story
    from understudy.deployments.log import DeploymentsLog

    settings = settings_of(config, bootstrap)
    with outside(context).open_log(settings) as log:
        read = DeploymentsLog(log, settings.names, "a reader").read()
    told = [each for each in story(read) if everything or not each.refusal]
    if as_json:
        say_json([each.as_json() for each in told])
    else:
        for each in told:
            say(each.line())
        if not told:
            say("Nothing was released yet.")
    if read.state.frozen:
        complain(f"Frozen: {read.state.frozen}.")
