"""The command `status`."""

from typing import Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import say, say_json

WATCH_EVERY_S = 2.0
CLEAR_SCREEN = "\x1b[H\x1b[2J"


def status(
    context: typer.Context,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Show it anew every two seconds, until Ctrl-C.")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Say what runs, what was answered, and what is wrong."""
    from understudy.app.roles.running import stop_on_signals
    from understudy.app.status.findings import problems
    from understudy.app.status.gathering import gather
    from understudy.app.status.showing import page

    settings = settings_of(config, bootstrap)
    with stop_on_signals() as stop, outside(context).open_log(settings) as log:
        while True:
            now = gather(log, settings)
            if as_json:
                say_json(now.as_json(problems(now)), indent=None if watch else 2)
            else:
                say((CLEAR_SCREEN if watch else "") + page(now, problems(now)))
            if not watch or stop.wait(WATCH_EVERY_S):
                return
