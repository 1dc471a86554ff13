"""The command `prune`."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import complain, say, say_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.app.releasing.pruning import Gone


def prune(
    context: typer.Context,
    versions: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME:VERSION]...", help="Default: all that left long ago.")
    ] = None,
    *,
    left_days: Annotated[
        float, typer.Option(min=0, help="How long ago a version has left, where none is named.")
    ] = 7.0,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Delete the lanes of versions that left.

    A version that still owes an answer keeps them, and so does the one that production would be rolled back to, unless
    it is named. Answers, and what was counted, stay.
    """
    from understudy.app.releasing.pruning import DAY_MS, chosen, gone
    from understudy.app.releasing.pruning import prune as delete
    from understudy.app.releasing.releases import person

    settings = settings_of(config, bootstrap)
    with outside(context).open_log(settings) as log:
        found = gone(log, settings)
        due = chosen(found, versions or (), round(time.time() * 1_000 - left_days * DAY_MS))
        _tell(found, due, left_days)
        if due and not yes:
            typer.confirm(f"Delete {', '.join(topic for each in due for topic in each.topics)}?", abort=True, err=True)
        for each in due:
            delete(log, settings, person(), each, reason)
    if as_json:
        say_json({"pruned": [{"version": each.version, "topics": list(each.topics)} for each in due]})
    else:
        for each in due:
            say(f"Deleted the topics of {each.version}: {', '.join(each.topics)}.")
        if not due:
            say("There is nothing to delete.")


def _tell(found: "Sequence[Gone]", due: "Sequence[Gone]", left_days: float) -> None:
    for each in found:
        if each not in due:
            why = "production would be rolled back to it; name it to delete it" if each.is_fallback else ""
            complain(f"{each.version} stays: {each.owes or why or f'it left less than {left_days:g} days ago'}.")
