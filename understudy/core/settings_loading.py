"""Reading settings: `understudy.toml` < environment (`UNDERSTUDY_<SECTION>__<KEY>`) < flags, with readable errors."""

from __future__ import annotations

import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource
from pydantic_settings import SettingsError as SourceError

from understudy.core.settings import NESTED, PREFIX, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic_core import ErrorDetails

CONFIG_FILE: Final = "understudy.toml"
PATH_KEYS: Final = (
    ("input", "schema"),
    ("input", "writers"),
    ("models", "registry"),
    ("kafka", "ssl_cafile"),
)


def load(path: Path | None = None, flags: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings.

    path: the file; default `understudy.toml` in the working directory, which may be missing when the environment
    says enough. Paths in the file are relative to its folder. flags: nested as the sections are, the strongest.
    Raises SettingsError.
    """
    file = path or Path(CONFIG_FILE)
    stored = _read(file, required=path is not None)
    _refuse_unknown_sections(os.environ)
    try:
        return _located(stored)(**dict(flags or {}))
    except ValidationError as error:
        lines = [_explained(detail, file, flags or {}) for detail in _one_per_key(error.errors(include_url=False))]
        raise SettingsError("\n".join(lines)) from error
    except SourceError as error:
        raise SettingsError(f'{error}: lists and tables in the environment are JSON, as in \'["a", "b"]\'.') from error


def _located(stored: dict[str, Any]) -> type[Settings]:
    """Settings whose weakest source is what the file said (pydantic-settings takes its sources from the class)."""

    class Located(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=stored)

    return Located


def _read(file: Path, *, required: bool) -> dict[str, Any]:
    """The file's content, its paths made independent of the working directory; {} where it may be missing."""
    try:
        stored = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise SettingsError(f"There is no file {file}: name one with --config.") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not TOML: {error}.") from error
    models = stored.setdefault("models", {})
    if isinstance(models, dict):
        models.setdefault("registry", Settings.model_fields["models"].default.registry)
    for section, key in PATH_KEYS:
        table = stored.get(section)
        if isinstance(table, dict) and isinstance(table.get(key), str) and "://" not in table[key]:
            table[key] = str(file.parent / table[key])
    return stored


def _refuse_unknown_sections(environment: Mapping[str, str]) -> None:
    """A misspelt section in the environment would be ignored silently."""
    for name in environment:
        if not name.upper().startswith(PREFIX) or NESTED not in name:
            continue
        section = name[len(PREFIX) :].split(NESTED)[0].lower()
        if section not in Settings.model_fields:
            raise SettingsError(
                f"The environment's {name} sets nothing: there is no section [{section}]{_hint(section) or '.'}"
            )


def _one_per_key(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Join the errors of a union's branches."""
    joined: dict[tuple[str, ...], ErrorDetails] = {}
    for detail in details:
        earlier = joined.setdefault(_keys(detail), detail)
        if earlier is not detail:
            earlier["msg"] += f", or: {detail['msg']}"
    return list(joined.values())


def _keys(detail: ErrorDetails) -> tuple[str, ...]:
    return tuple(str(part) for part in detail["loc"] if not _is_branch(part))


def _explained(detail: ErrorDetails, file: Path, flags: Mapping[str, Any]) -> str:
    """One line for people: where, which key, what is wrong."""
    keys = list(_keys(detail))
    name = keys[0] if len(keys) == 1 else f"[{keys[0]}] {'.'.join(keys[1:])}" if keys else "the settings"
    where = _origin(keys, file, flags)
    match detail["type"]:
        case "missing" if keys == ["endpoint"] and not file.exists():
            return f"There is no {file} here, and no endpoint is named: write that file, or name another with --config."
        case "missing":
            return f"{where}: {name} is missing."
        case "extra_forbidden":
            hint = _hint(keys[-1], keys[:-1])
            return f"{where}: there is no setting {name}{hint or '.'}"
        case "tuple_type":
            return f"{where}: {name} is a list: write {[detail['input']]}."
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            value = repr(detail["input"])
            given = "" if "password" in name or value in message else f" (it is {value})"
            return f"{where}: {name}: {message.rstrip('.')}{given}."


def _is_branch(part: int | str) -> bool:
    """Whether a part of an error's place is pydantic's name for a branch of a union, `datetime` for instance."""
    return isinstance(part, str) and (part.startswith("literal[") or part == "datetime")


def _origin(keys: list[str], file: Path, flags: Mapping[str, Any]) -> str:
    """Which source set a key: the strongest that names it."""
    given: Any = flags
    for key in keys:
        given = given.get(key) if isinstance(given, dict) else None
    if given is not None:
        return "The flags"
    variable = PREFIX + NESTED.join(keys).upper()
    return f"The environment's {variable}" if variable in os.environ else str(file)


def _hint(wrong: str, section: list[str] | None = None) -> str:
    """The known name that is closest, where one is close."""
    close = get_close_matches(wrong, list(_known(section or [])), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _known(section: list[str]) -> Iterator[str]:
    """The keys of a section, or of the top level."""
    fields = Settings.model_fields
    if section:
        annotation = fields[section[0]].annotation
        section_type = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
        fields = {} if section_type is None else section_type.model_fields
    for name, field in fields.items():
        yield field.alias or name
