"""Which errors are told in one line, because their text says what happened and what to do."""

from __future__ import annotations


def told(error: Exception) -> str | None:
    """The line for a user; None for an error that nobody foresaw, whose traceback is needed."""
    return str(error) or type(error).__name__ if isinstance(error, _foreseen()) else None


def _foreseen() -> tuple[type[Exception], ...]:
    # Imported when something failed: the command line starts without them.
    from schemas.errors import InvalidSchema, SchemaUnavailable  # noqa: PLC0415
    from understudy.app.brokers.jars import BrokerError  # noqa: PLC0415
    from understudy.app.demo.errors import NoScenery, RoleDied, Stuck  # noqa: PLC0415
    from understudy.app.provision import CannotProvision  # noqa: PLC0415
    from understudy.app.records.producing import BadSource  # noqa: PLC0415
    from understudy.app.releasing.errors import DoesNotFit, NotFinished  # noqa: PLC0415
    from understudy.app.restoring.errors import CannotRestore  # noqa: PLC0415
    from understudy.app.starter.starting import CannotInit  # noqa: PLC0415
    from understudy.core.log.errors import LogError  # noqa: PLC0415
    from understudy.core.settings import SettingsError  # noqa: PLC0415
    from understudy.core.topics import BadName  # noqa: PLC0415
    from understudy.deployments.errors import Refused  # noqa: PLC0415
    from understudy.deployments.plan import InvalidPlan  # noqa: PLC0415
    from understudy.models.errors import ModelError  # noqa: PLC0415

    return (
        BadName,
        BadSource,
        BrokerError,
        CannotInit,
        CannotProvision,
        CannotRestore,
        DoesNotFit,
        InvalidPlan,
        InvalidSchema,
        LogError,
        ModelError,
        NoScenery,
        NotFinished,
        Refused,
        RoleDied,
        SchemaUnavailable,
        SettingsError,
        Stuck,
    )
