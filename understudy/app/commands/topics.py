"""The command `topics`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import complain, say, say_json, table

if TYPE_CHECKING:
    from understudy.app.provision import Provisioned


def topics(
    context: typer.Context,
    *,
    create_input: Annotated[
        bool, typer.Option("--create-input/--no-create-input", help="Create the input topic if it does not exist.")
    ] = True,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Create the topics; record where the groups start.

    Run it again after a change of the input's partitions: topics grow, and what is there is left as it is. The lanes
    of a version are made when it is deployed. A lane that was deleted is made again only for production, and what it
    held without an answer gets none; any other version is taken back and deployed again, so that nothing is lost.
    """
    from understudy.app.provision import provision_endpoint

    settings = settings_of(config, bootstrap)
    with outside(context).open_log(settings) as log:
        done = provision_endpoint(log, settings, create_input=create_input)
    if as_json:
        say_json(asdict(done))
    else:
        _show(done)
    for row in done.topics:
        if row.problem:
            complain(f"{row.name}: {row.problem}.")


def _show(done: "Provisioned") -> None:
    say(table(["TOPIC", "PARTITIONS", ""], [(row.name, row.partitions, row.action) for row in done.topics]))
    say()
    groups = [(row.group, row.partitions, row.set, row.starts) for row in done.groups]
    say(table(["GROUP", "PARTITIONS", "POSITIONS SET", "STARTS"], groups))
