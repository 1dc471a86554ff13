"""What the demo plays with: the flights example of the checkout, its models, and an endpoint's folder."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from understudy.app.demo.errors import NoScenery
from understudy.core.settings import NESTED, PREFIX
from understudy.core.settings_loading import load

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from understudy.core.settings import Settings

CHECKOUT: Final = Path(__file__).parents[3]
EXAMPLE: Final = CHECKOUT / "examples" / "flights"
FIRST: Final = "flights:v1"
REFACTOR: Final = "flights:v4"
BROKEN: Final = "flights:v3_hours"
BETTER: Final = "flights:v2"
PARTITIONS: Final = 4
ENDLESS: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Version:
    """A model version of the demo: its name, what it is in a few words, and the function that trains it."""

    ref: str
    what: str
    train: str


VERSIONS: Final = (
    Version(FIRST, "a logistic regression", "v1"),
    Version(REFACTOR, "v1 rewritten, with another solver", "v4"),
    Version(BROKEN, "v1 with a bug: reads minutes as hours", "v3_hours"),
    Version(BETTER, "boosted trees that know recent delays", "v2"),
)


def check() -> None:
    """Raise NoScenery where the demo cannot be played."""
    if not (EXAMPLE / "data").is_dir():
        raise NoScenery(
            f"The demo replays the flights of examples/flights, which are not at {EXAMPLE}: run it in a checkout of "
            "the project, with make demo."
        )
    if importlib.util.find_spec("pandas") is None:
        raise NoScenery("The demo's models want named columns: pip install 'understudy[demo]'.")


def forget_settings(environment: MutableMapping[str, str], *, keep_security: bool) -> None:
    """Take out the variables of a user's own endpoint: they are stronger than the demo's file, and would lead it there.

    keep_security: leave what secures connections to the user's cluster.
    """
    kafka, bootstrap = f"{PREFIX}KAFKA{NESTED}", f"{PREFIX}KAFKA{NESTED}BOOTSTRAP"
    for name in list(environment):
        secures = name.upper().startswith(kafka) and name.upper() != bootstrap
        if name.upper().startswith(PREFIX) and not (keep_security and secures):
            del environment[name]


def flights() -> Iterator[Any]:
    """The stream, as examples.flights.events.Flight: 30,000 flights, and then the same again, later and as others."""
    events = importlib.import_module("examples.flights.events")
    stream: Iterator[Any] = events.repeated(list(events.events()), ENDLESS)
    return stream


def train(version: Version, registry: Path) -> None:
    """Train and register a version."""
    getattr(importlib.import_module("examples.flights.train"), version.train)(registry)


def furnish(folder: Path, endpoint: str, bootstrap: str | None) -> Settings:
    """Write the endpoint's settings and schema into a folder, and read them back as a user's."""
    shutil.copy(EXAMPLE / "event.avsc", folder / "event.avsc")
    (folder / "understudy.toml").write_text(settings_text(endpoint, bootstrap), encoding="utf-8")
    return load(folder / "understudy.toml", {})


def settings_text(endpoint: str, bootstrap: str | None) -> str:
    """The demo's understudy.toml; without a broker, Kafka is not mentioned."""
    kafka = f'[kafka]\nbootstrap = "{bootstrap}"\n\n' if bootstrap else ""
    return (
        f'endpoint = "{endpoint}"\n\n{kafka}'
        '[input]\nschema = "event.avsc"\nevent_id = "event_id"\nslices = ["origin"]\n\n'
        f"[topics]\npartitions = {PARTITIONS}\n\n"
        "[comparator]\ninterval_s = 0.25\n"
    )
