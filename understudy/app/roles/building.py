"""Builds router, worker and comparator from the settings: their steps, and the sessions that they run in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from comparator.judging import Tolerance, Tolerances
from comparator.partition import Options
from comparator.step import ComparatorStep
from router.gathering import Limits
from router.step import RouterStep, unheard
from understudy.app.provision import lanes_of
from understudy.app.roles.running import Role
from understudy.app.wire_schemas import (
    check_fields,
    event_time_units_per_ms,
    input_decoder,
    prediction_decoder,
    prediction_encoder,
)
from understudy.core.log.contract import SessionSpec
from understudy.core.telemetry import logger
from understudy.core.topics import parse_version, slot_id
from understudy.deployments.errors import Refused
from understudy.models.isolation import IsolatedScorer
from understudy.models.registry import Registry
from workers.answering import Answering
from workers.events import EventFields
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.encodings import PredictionEncoder
    from understudy.core.log.contract import Session
    from understudy.core.settings import Settings
    from understudy.core.topics import EndpointTopics
    from understudy.deployments.fold import Standing, State
    from understudy.deployments.plan import Lane
    from understudy.deployments.plan import Role as LaneRole
    from understudy.models.scoring import Scorer


def nothing() -> None:
    """What is done where nobody wants anything to be done."""


def router(
    settings: Settings,
    slot: str,
    state: Callable[[], State],
    *,
    on_excluded: Callable[[Lane, int, str], None] = unheard,
    around: Callable[[Session], Session] = lambda session: session,
) -> Role:
    """The router by itself; `routing` gives it what it needs to run.

    state: the releases' latest. on_excluded: see `RouterStep`. around: see `Role`. Raises BadName.
    """
    names = settings.names
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, slot))
    telling = logger("understudy", slot=spec.slot)

    def make() -> RouterStep:
        return RouterStep(
            lambda: state().plan,
            names,
            Limits(merge_below_bytes=settings.router.merge_below_bytes),
            on_excluded=on_excluded,
            on_waiting=lambda awaited: telling.info("waiting" if awaited else "goes on", awaited=awaited),
        )

    return Role(spec, make, settings.router.interval_s, settings.log.every_s, (names.routes,), around=around)


def worker(
    settings: Settings,
    version: str,
    slot: str,
    state: Callable[[], State] | None = None,
    *,
    careful: bool = False,
    loaded: Callable[[], None] = nothing,
    tick: Callable[[], None] = nothing,
) -> Role:
    """A worker of `name:version`, which loads its model when it starts.

    state: the releases' latest; it pins the model's sha256, and the worker is over when its version is withdrawn.
    careful: an earlier instance did not end by itself, so what it had in hand is scored in processes of its own.
    loaded: called when the model is loaded, before anything is scored. tick: see `IsolatedScorer`.
    Raises SettingsError, BadName; Refused where the version is not deployed.
    """
    names = settings.names
    group = names.worker_group(version)
    pinned = None if state is None else standing_of(state(), version).sha256
    # Loaded and isolated once, also when outages make the step be built anew.
    load = cache(lambda: load_scorers(settings, version, pinned, careful=careful, loaded=loaded, tick=tick))

    def make() -> WorkerStep:
        check_fields(settings)
        return worker_step(settings, version, load())

    return Role(
        SessionSpec(group, lanes_of(settings, version), slot_id(group, slot)),
        make,
        settings.worker.interval_s,
        settings.log.every_s,
        worker_outputs(names),
        (lambda: "") if state is None else (lambda: taken_back(state(), version)),
    )


class Scorers(NamedTuple):
    """A loaded model; cautious: in processes of its own, for what may have killed an earlier instance."""

    plain: Scorer
    cautious: IsolatedScorer | None


def load_scorers(
    settings: Settings,
    version: str,
    sha256: str | None,
    *,
    careful: bool,
    loaded: Callable[[], None] = nothing,
    tick: Callable[[], None] = nothing,
) -> Scorers:
    """Load a registered model, whose artifact has this sha256. loaded: called then. tick: see `IsolatedScorer`.

    Raises ModelError.
    """
    model = Registry(settings.models.registry).load(version, sha256)
    loaded()
    timeout_s = settings.worker.isolation_timeout_s
    return Scorers(model, IsolatedScorer(model, timeout_s, tick=tick) if careful else None)


def standing_of(state: State, version: str) -> Standing:
    """Where a version stands. Raises Refused where nobody has deployed it."""
    parse_version(version)
    standing = state.versions.get(version)
    if standing is None:
        raise Refused(f"{version} is not deployed: run `understudy deploy {version}` first.")
    return standing


def taken_back(state: State, version: str) -> str:
    """Why the workers of a version have nothing left to do; "" while they have."""
    return f"{version} is withdrawn" if state.stage(version) == "withdrawn" else ""


def worker_outputs(names: EndpointTopics) -> tuple[str, ...]:
    """What workers write to."""
    return names.predictions, names.shadow_predictions, names.dead_letters


def worker_step(
    settings: Settings,
    version: str,
    scorers: Scorers,
    *,
    answered_by: str | None = None,
) -> WorkerStep:
    """The worker's step. Raises SettingsError, InvalidSchema, SchemaUnavailable."""
    return WorkerStep(
        version,
        settings.names,
        Answering(input_decoder(settings), scorers.plain, event_fields(settings), cautious=scorers.cautious),
        worker_encoders(settings),
        pace=Pace(micro_batch_records=settings.worker.micro_batch_records),
        answered_by=answered_by,
    )


def worker_encoders(settings: Settings) -> dict[LaneRole, PredictionEncoder]:
    """Of the rows of each lane. Raises SettingsError, SchemaUnavailable, InvalidSchema."""
    names = settings.names
    return {
        "answering": prediction_encoder(settings, names.predictions),
        "shadow": prediction_encoder(settings, names.shadow_predictions),
    }


def event_fields(settings: Settings) -> EventFields:
    """What rows say of events. Raises SettingsError, InvalidSchema."""
    return EventFields(
        event_id=settings.input.event_id,
        event_time=settings.input.event_time,
        slices=settings.input.slices,
        units_per_ms=event_time_units_per_ms(settings),
    )


def comparator(settings: Settings, slot: str) -> Role:
    """The comparator. Raises SettingsError, BadName."""
    names = settings.names
    group = names.comparator_group
    spec = SessionSpec(group, (names.routes, names.predictions, names.shadow_predictions), slot_id(group, slot))
    # The step paces its commits itself: it reads on while it counts.
    pace_s, outputs = settings.worker.interval_s, (names.comparisons,)
    return Role(spec, lambda: comparator_step(settings), pace_s, settings.log.every_s, outputs)


def comparator_step(settings: Settings) -> ComparatorStep:
    """The comparator's step. Raises SettingsError."""
    given = settings.comparator
    tolerances = {name: Tolerance(each.absolute, each.relative) for name, each in given.tolerances.items()}
    options = Options(
        block_s=given.block_s,
        tolerances=Tolerances(tolerances),
        max_lag_records=given.max_lag_records,
        examples_per_kind=given.examples_per_kind,
        interval_s=given.interval_s,
    )
    return ComparatorStep(settings.names, prediction_decoder(settings), options)
