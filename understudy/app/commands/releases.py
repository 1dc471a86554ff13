"""The commands `deploy`, `promote`, `rollback`, `pause` and `resume`: they change which version gets what."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from understudy.app.options import AsJson, Bootstrap, Config, a_version, outside, settings_of
from understudy.app.output import complain, say, say_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.app.releasing.releases import Released, Releases

Candidate = Annotated[
    str | None,
    typer.Argument(metavar="[NAME:VERSION]", callback=a_version, help="Default: the one that can only be meant."),
]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait/--no-wait", help="Wait until workers are ready and routers have adopted the plan; else go on at once."
    ),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", min=0, help="How long to wait for either.")]
TIMEOUT_S = 600.0


def deploy(
    context: typer.Context,
    version: Annotated[str, typer.Argument(metavar="NAME:VERSION", callback=a_version, help="A registered version.")],
    *,
    strategy: Annotated[
        Literal["basic", "shadow", "canary"],
        typer.Option(
            help="basic: it answers everything. shadow: it gets everything, and is only compared. canary: it answers "
            "a share of the keys."
        ),
    ],
    share: Annotated[
        str | None,
        typer.Option(
            metavar="PERCENT", help="A canary's share of the keys; for a new one 5. Say it again to change it."
        ),
    ] = None,
    mirrored: Annotated[
        bool | None,
        typer.Option(
            "--mirrored/--unmirrored",
            help="Whether production scores the canary's records too, to be compared; for a new one it does.",
        ),
    ] = None,
    salt: Annotated[
        int | None, typer.Option(min=0, help="Which keys a share takes; by default that follows from the name.")
    ] = None,
    reason: Reason = "",
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_S,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Release a version: as production, a shadow or a canary.

    Its topics are made, its workers are waited for, and only then the plan changes. The first version is deployed with
    --strategy basic.
    """
    from understudy.app.releasing.orders import Order, ppm_of

    if strategy != "canary" and (share, mirrored, salt) != (None, None, None):
        raise typer.BadParameter("--share, --mirrored and --salt are for --strategy canary")
    try:
        share_ppm = None if share is None else ppm_of(share)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--share") from error
    order = Order(version, strategy, share_ppm, mirrored, salt, reason)
    _ask(context, config, bootstrap, lambda releases: releases.deploy(order, wait=wait), as_json, timeout)


def promote(
    context: typer.Context,
    version: Candidate = None,
    *,
    reason: Reason = "",
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_S,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Make the canary or a shadow production.

    The version before finishes what it was sent, and can be rolled back to.
    """
    _ask(context, config, bootstrap, lambda releases: releases.promote(version, reason, wait=wait), as_json, timeout)


def rollback(
    context: typer.Context,
    version: Candidate = None,
    *,
    reason: Reason = "",
    wait: Wait = True,
    timeout: Timeout = TIMEOUT_S,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Take back a canary, a shadow, or production.

    Production goes back to the version before it. A version that waits for its workers is taken back, too.
    """
    _ask(context, config, bootstrap, lambda releases: releases.rollback(version, reason, wait=wait), as_json, timeout)


def pause(
    context: typer.Context,
    version: Candidate = None,
    *,
    reason: Reason = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Hold a candidate: no larger share, no promotion."""
    _ask(context, config, bootstrap, lambda releases: releases.pause(version, reason), as_json)


def resume(
    context: typer.Context,
    version: Candidate = None,
    *,
    reason: Reason = "",
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Let a paused candidate go on."""
    _ask(context, config, bootstrap, lambda releases: releases.resume(version, reason), as_json)


def _ask(
    context: typer.Context,
    config: Path | None,
    bootstrap: str | None,
    request: "Callable[[Releases], Released]",
    as_json: bool,
    timeout_s: float = TIMEOUT_S,
) -> None:
    from understudy.app.releasing.releases import Releases, person
    from understudy.app.releasing.waiting import Patience
    from understudy.app.roles.running import stop_on_signals

    settings = settings_of(config, bootstrap)
    with stop_on_signals() as stop, outside(context).open_log(settings) as log:
        released = request(Releases(log, settings, person(), Patience(stop, complain, timeout_s)))
    if as_json:
        say_json({**released.told.as_json(), "adopted_s": released.adopted_s})
    else:
        say(_said(released))


def _said(released: "Released") -> str:
    sentence = released.told.sentence
    adopted = "" if released.adopted_s is None else f" Every partition adopted it within {released.adopted_s:.2f} s."
    return f"{sentence[0].upper()}{sentence[1:]}.{adopted}"
