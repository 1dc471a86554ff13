"""The router as it runs: it follows the releases, lets topics grow, and has what it finds out noted."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from understudy.app.roles.attendant import Attendant
from understudy.app.roles.building import router
from understudy.app.roles.growth import GrowingSession, Growth
from understudy.core.topics import slot_id
from understudy.deployments.following import Follower
from understudy.deployments.log import DeploymentsLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from understudy.app.roles.running import Role
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings
    from understudy.deployments.fold import State


@contextmanager
def routing(settings: Settings, slot: str, log: Log) -> Iterator[Role]:
    """The router of an endpoint, to be run while the block does.

    Raises BadName; UnknownTopic where the endpoint's topics were not made; LogUnavailable.
    """
    names = settings.names
    with Follower(log, names) as follower:
        growth = Growth(log, settings, lambda: growing(follower.state()))
        deployments = DeploymentsLog(log, names, slot_id(names.router_group, slot))
        with Attendant(deployments, growth.follow) as attendant:
            yield router(
                settings,
                slot,
                follower.state,
                on_excluded=attendant.exclude,
                around=lambda session: GrowingSession(session, growth),
            )


def growing(state: State) -> tuple[str, ...]:
    """The versions whose lanes grow with the input: all whose topics may be there, production first."""
    versions = [version for version, standing in state.versions.items() if not standing.pruned]
    return tuple(sorted(versions, key=lambda version: state.stage(version) != "production"))
