"""Builds router, worker and comparator from the settings: their steps, and the sessions that they run in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparator.judging import Tolerance, Tolerances
from comparator.partition import Options
from comparator.step import ComparatorStep
from router.gathering import Limits
from router.step import RouterStep
from understudy.app.running import Role
from understudy.app.wire_schemas import (
    check_fields,
    event_time_units_per_ms,
    input_decoder,
    prediction_decoder,
    prediction_encoder,
)
from understudy.core.log.contract import SessionSpec
from understudy.core.topics import slot_id
from understudy.deployments.plan import Plan
from understudy.models.registry import Registry
from workers.answering import Answering
from workers.events import EventFields
from workers.step import Pace, WorkerStep

if TYPE_CHECKING:
    from understudy.core.settings import Settings


def plan_of(settings: Settings) -> Plan:
    """The plan of the settings. Raises SettingsError, InvalidPlan."""
    written = settings.require_plan()
    return Plan(written.revision, written.production, written.shadows, salt=written.salt)


def router(settings: Settings, slot: str) -> Role:
    """The router. Raises SettingsError, InvalidPlan, BadName."""
    names = settings.names
    plan = plan_of(settings)
    step = RouterStep(lambda: plan, names, Limits(merge_below_bytes=settings.router.merge_below_bytes))
    spec = SessionSpec(names.router_group, (names.input,), slot_id(names.router_group, slot))
    outputs = (names.routes, names.requests(plan.production), *map(names.shadow_requests, plan.shadows))
    return Role(spec, lambda: step, settings.router.interval_s, settings.log.every_s, outputs)


def worker(settings: Settings, version: str, slot: str) -> Role:
    """A worker of `name:version`, which loads its model when it starts. Raises SettingsError, BadName."""
    names = settings.names
    group = names.worker_group(version)
    lanes = (names.requests(version), names.shadow_requests(version))
    spec = SessionSpec(group, lanes, slot_id(group, slot))
    outputs = (names.predictions, names.shadow_predictions, names.dead_letters)
    pace_s = settings.worker.interval_s
    return Role(spec, lambda: worker_step(settings, version), pace_s, settings.log.every_s, outputs)


def worker_step(settings: Settings, version: str) -> WorkerStep:
    """The worker's step. Raises SettingsError, InvalidSchema, ModelError, SchemaUnavailable."""
    check_fields(settings)
    names = settings.names
    return WorkerStep(
        version,
        names,
        Answering(input_decoder(settings), Registry(settings.models.registry).load(version), event_fields(settings)),
        {
            "answering": prediction_encoder(settings, names.predictions),
            "shadow": prediction_encoder(settings, names.shadow_predictions),
        },
        pace=Pace(micro_batch_records=settings.worker.micro_batch_records),
    )


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
