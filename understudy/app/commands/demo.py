"""The command `demo`."""

import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from understudy.app.brokers.choice import OPTIONS

BrokerChoice = Annotated[str, typer.Option("--broker", help=f"What it runs on: {OPTIONS}.")]
Fast = Annotated[bool, typer.Option("--fast", help="A few flights for each step.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", dir_okay=False, writable=True, help="Write every figure there, too."),
]


def demo(*, broker: BrokerChoice = "auto", fast: Fast = False, json_file: JsonFile = None) -> None:
    """Release models on a stream of real flights and show what happens.

    It trains four models and needs a checkout of the project: make demo. On a broker that you name, it uses topics
    of its own, and deletes them.
    """
    from understudy.app.brokers.choice import BadChoice, choose
    from understudy.app.demo.outcome import as_json
    from understudy.app.demo.scenery import forget_settings
    from understudy.app.demo.screen import Screen
    from understudy.app.demo.story import FAST, FULL, play
    from understudy.app.demo.summary import summary

    if json_file is not None and not json_file.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {json_file.parent}", param_hint="--json")
    try:
        choice = choose(broker)
    except BadChoice as error:
        raise typer.BadParameter(str(error), param_hint="--broker") from error
    forget_settings(os.environ, keep_security=choice.kind == "given")
    # The models are small: several threads for one are slower, and far slower beside others on a busy machine.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # In memory, workers are threads that share scikit-learn's configuration. It warns of that; answers are the same.
    warnings.filterwarnings("ignore", message=".*sklearn.utils.parallel.delayed")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a tick that a terminal cannot show is no reason to end
    screen = Screen()
    screen.say(f"Broker: {choice}")
    outcome = play(choice, screen, FAST if fast else FULL)
    screen.show(summary(outcome))
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(outcome), indent=2), encoding="utf-8")
        screen.say(f"Every figure is in {json_file}.")
    if not outcome.is_sound:
        raise typer.Exit(1)
