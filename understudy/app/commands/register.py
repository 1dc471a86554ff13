"""The command `register`."""

from pathlib import Path
from typing import Annotated

import typer

from understudy.app.options import AsJson, Config, a_version
from understudy.app.output import say


def register(
    version: Annotated[str, typer.Argument(metavar="NAME:VERSION", callback=a_version, help="What to call it.")],
    model: Annotated[Path, typer.Argument(help="The model, saved with skops.io.dump.")],
    *,
    schema: Annotated[
        Path | None, typer.Option(help="The events' Avro schema; default the one of the settings, if there is one.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="An input column; repeat it. A field of the schema, or name:type, or name:type? if nullable."
        ),
    ] = None,
    trust: Annotated[
        list[str] | None, typer.Option(help="A type in the file that is to be loaded although nobody knows it.")
    ] = None,
    registry: Annotated[str | None, typer.Option(help="Where models are; default the one of the settings.")] = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Register a model file as a version.

    A version never changes. A model that was just fitted is registered from Python:
    understudy.models.register(model, "flights:v1", ...).
    """
    from understudy.models import register_file

    where, known_schema = _from_settings(config, registry)
    manifest = register_file(
        model, version, registry=where, columns=column or None, schema=schema or known_schema, trusted=trust or ()
    )
    if as_json:
        say(manifest.to_json())
    else:
        size = f"{len(manifest.columns)} columns, {manifest.size_bytes:,} bytes"
        say(f"Registered {manifest.ref} in {where}: {manifest.kind}, {size}, sha256 {manifest.sha256}")


def _from_settings(config: Path | None, registry: str | None) -> tuple[str, Path | None]:
    """Registry and schema of the settings, which may be missing as long as no file of them is named."""
    from understudy.core.settings import SettingsError
    from understudy.core.settings_loading import CONFIG_FILE, load

    if config is None and not Path(CONFIG_FILE).exists():
        if registry is None:
            raise SettingsError(f"There is no {CONFIG_FILE} here: name the registry with --registry.")
        return registry, None
    settings = load(config)
    return registry or settings.models.registry, settings.input.schema_file
