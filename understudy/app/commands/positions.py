"""The command `positions restore`."""

from typing import Annotated

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import complain, say, say_json, table


def restore(
    context: typer.Context,
    who: Annotated[
        str,
        typer.Argument(metavar="router|comparator|NAME:VERSION", help="Whose positions; of a version, its workers'."),
    ],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be set, and set nothing.")] = False,
    skip_lost: Annotated[
        bool, typer.Option("--skip-lost", help="Go on behind records that were never worked on.")
    ] = False,
    recount: Annotated[
        bool, typer.Option("--recount", help="For the comparator: delete its comparisons, and count everything anew.")
    ] = False,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Find lost positions of a group again, and set them.

    A router's are in the routes, a worker's in its lanes and its answers. Positions that are there stay. The group must
    not be running. An input that was deleted and made again needs another endpoint name: this command refuses it where
    it has fewer records than were routed, or younger ones, and else takes it for the old one.
    """
    from understudy.app.restoring import comparator
    from understudy.app.restoring.errors import CannotRestore
    from understudy.app.restoring.found import restore as set_found
    from understudy.app.restoring.router import router_positions
    from understudy.app.restoring.worker import worker_positions

    settings = settings_of(config, bootstrap)
    if recount != (who == "comparator"):
        if recount:
            raise typer.BadParameter("only a comparator counts anew", param_hint="--recount")
        raise CannotRestore(comparator.WHY)
    names = settings.names
    with outside(context).open_log(settings) as log:
        if who == "comparator":
            found = comparator.recount(log, settings, dry_run=dry_run)
        else:
            is_router = who == "router"
            group = names.router_group if is_router else names.worker_group(who)
            found = router_positions(log, settings) if is_router else worker_positions(log, settings, who)
            with log.admin() as admin:
                if not dry_run:
                    set_found(admin, group, found, skip_lost=skip_lost)
    if as_json:
        say_json([{**each.as_json(), "set": not dry_run} for each in found])
        return
    for each in found:
        if each.lost:
            complain(f"{each.at}: {each.lost}.")
    rows = [(str(each.at), each.position.offset, each.position.note or "-", each.source) for each in found]
    say(table(["PARTITION", "POSITION", "NOTE", "FROM"], rows) if found else "No position is lost.")
    if found:
        say("Nothing was set: this was a dry run." if dry_run else f"{len(found)} positions are set.")
