"""What an endpoint's settings say about encodings: the event's schema, decoders, encoders, the schema registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.encodings import InputDecoder, PredictionEncoder, RowDecoder
from schemas.folder import load_writers
from schemas.parsing import RecordSchema, load, timestamp_units_per_ms
from schemas.registry import SchemaRegistry
from understudy.core.settings import SettingsError

if TYPE_CHECKING:
    from understudy.core.settings import Settings


def event_schema(settings: Settings) -> RecordSchema:
    """The schema that events are read with. Raises SettingsError, InvalidSchema."""
    return load(settings.require_schema())


def schema_registry(settings: Settings) -> SchemaRegistry | None:
    """The schema registry, where the settings name one. Raises SettingsError for what is no URL."""
    url = settings.schema_registry.url
    try:
        return None if url is None else SchemaRegistry(url)
    except ValueError as error:
        raise SettingsError(f"[schema_registry] url: {error}.") from error


def input_decoder(settings: Settings) -> InputDecoder:
    """Decodes the endpoint's input. Raises SettingsError, InvalidSchema."""
    schema = event_schema(settings)
    folder = settings.input.writers
    writers = None if folder is None else load_writers(folder, schema)
    return InputDecoder.of(settings.input.encoding, schema, writers, schema_registry(settings))


def prediction_encoder(settings: Settings, topic: str) -> PredictionEncoder:
    """Encodes prediction rows for a topic. Raises SettingsError, SchemaUnavailable, InvalidSchema."""
    registry = _registry_for_output(settings)
    return PredictionEncoder.of(settings.output.encoding, registry=registry, topic=topic)


def prediction_decoder(settings: Settings) -> RowDecoder:
    """Decodes prediction rows. Raises SettingsError."""
    return RowDecoder.of(settings.output.encoding, "prediction", registry=_registry_for_output(settings))


def check_fields(settings: Settings) -> None:
    """Raise SettingsError where [input] names fields for event_id or slices that the events' schema does not have."""
    schema = event_schema(settings)
    known = [field["name"] for field in schema["fields"]]
    named = [("event_id", settings.input.event_id), *(("slices", name) for name in settings.input.slices)]
    for key, name in named:
        if name is not None and name not in known:
            raise SettingsError(f"[input] {key}: {schema['name']} has no field {name}: name one of {', '.join(known)}.")


def event_time_units_per_ms(settings: Settings) -> int:
    """How many of the event time field's units make a millisecond. Raises SettingsError, InvalidSchema."""
    field = settings.input.event_time
    return 1 if field is None else timestamp_units_per_ms(event_schema(settings), field)


def _registry_for_output(settings: Settings) -> SchemaRegistry | None:
    registry = schema_registry(settings)
    if settings.output.encoding == "confluent" and registry is None:
        raise SettingsError("[schema_registry] url is missing: [output] encoding = 'confluent' needs it.")
    return registry
