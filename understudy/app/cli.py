"""The command line."""

import sys
from typing import TYPE_CHECKING

import typer

from understudy.app.commands import (
    broker,
    demo,
    health,
    history,
    init,
    positions,
    produce,
    prune,
    register,
    releases,
    roles,
    status,
    tail,
    topics,
    up,
    worker,
)
from understudy.app.options import Outside
from understudy.app.roles.tuning import tune_process

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from typing import Any

    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

HELP = "Release new versions of a machine-learning model on a Kafka stream without ever swapping blind."


def build() -> typer.Typer:
    """All commands."""
    app = _group(HELP)
    _add(app, init.init, "understudy init payments")
    _add(app, topics.topics, "understudy topics --config flights/understudy.toml")
    _add(app, register.register, "understudy register flights:v1 model.skops --schema event.avsc")
    _add(app, releases.deploy, "understudy deploy flights:v2 --strategy canary --share 5 --reason 'agrees as a shadow'")
    _add(app, releases.promote, "understudy promote flights:v2")
    _add(app, releases.rollback, "understudy rollback --reason 'too slow at noon'")
    _add(app, releases.pause, "understudy pause flights:v2 --reason 'looking into errors'")
    _add(app, releases.resume, "understudy resume flights:v2")
    _add(app, history.history, "understudy history --all")
    _add(app, prune.prune, "understudy prune --left-days 30")
    _add(app, roles.router, "understudy router --slot router-0")
    _add(app, worker.worker, "understudy worker --follow --slot worker-0")
    _add(app, roles.comparator, "understudy comparator --slot comparator-0")
    _add(app, up.up, "understudy up")
    _add(app, health.health, "understudy health --ready")
    _add(app, produce.produce, "understudy produce events.csv --key tailnum --time pushed_back_at --rate 1000")
    _add(app, tail.tail, "understudy tail predictions --follow")
    _add(app, status.status, "understudy status --watch")
    _add(app, demo.demo, "understudy demo --broker memory --json figures.json")
    places = _group("Where the groups stand in the topics.")
    _add(places, positions.restore, "understudy positions restore router --dry-run")
    app.add_typer(places, name="positions")
    brokers = _group("A local Kafka broker, for development and tests.")
    _add(brokers, broker.start, "understudy broker start")
    _add(brokers, broker.stop, "understudy broker stop")
    _add(brokers, broker.status, "understudy broker status --json")
    app.add_typer(brokers, name="broker")
    return app


def main() -> None:
    """Run the command line: exit status 0 done, 1 refused or failed, 2 wrong usage."""
    try:
        build()(obj=Outside(_kafka, tune_process))
    except Exception as error:
        from understudy.app.failures import told  # noqa: PLC0415 - only a failure needs it

        line = told(error)
        if line is None:
            raise
        sys.stderr.write(f"understudy: {line}\n")
        sys.exit(1)


def _kafka(settings: "Settings") -> "AbstractContextManager[Log]":
    from understudy.app.logs import open_kafka  # noqa: PLC0415 - --help is to answer at once

    return open_kafka(settings)


def _group(text: str) -> typer.Typer:
    return typer.Typer(
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def _add(app: typer.Typer, command: "Callable[..., Any]", example: str) -> None:
    app.command(epilog=f"Example: {example}")(command)
