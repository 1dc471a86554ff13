"""The command `tail`."""

from typing import Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import say, say_json


def tail(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="predictions, shadow-predictions, dead-letters, comparisons, routes, input, or a topic's name."
        ),
    ] = "predictions",
    *,
    from_beginning: Annotated[bool, typer.Option("--from-beginning", help="Start with the first record.")] = False,
    limit: Annotated[int | None, typer.Option(help="At most so many records; default the last 10.", min=1)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on with the records to come, until Ctrl-C.")] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Show a topic's records, decoded."""
    from understudy.app.records.reading_rows import source_of
    from understudy.app.records.showing_rows import line
    from understudy.app.records.tailing import Wanted, tail
    from understudy.app.roles.running import stop_on_signals

    settings = settings_of(config, bootstrap)
    source = source_of(settings, what)
    with stop_on_signals() as stop, outside(context).open_log(settings) as log:
        for entry in tail(log, source, Wanted(from_beginning, limit, follow), stop.is_set):
            if as_json:
                say_json(entry.as_json(), indent=None)
            else:
                say(line(source.kind, entry))
