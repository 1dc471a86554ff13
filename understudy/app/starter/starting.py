"""Writes the files of a new endpoint: settings, a schema, a training program, and events to try them with."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from importlib.resources import files
from io import StringIO
from random import Random
from string import Template
from typing import TYPE_CHECKING, Final

from understudy.core.topics import check_name, safe_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

TEMPLATES: Final = ("understudy.toml", "event.avsc", "train.py")
TRAINING: Final = "training.csv"
EVENTS: Final = "events.csv"
TRAINING_ROWS: Final = 2_000
EVENT_ROWS: Final = 1_000
FIRST_MS: Final = int(datetime(2025, 1, 1, tzinfo=UTC).timestamp() * 1_000)
"""When the sample's payments begin; fixed, so that everybody's sample is the same."""
APART_MS: Final = 40_000
ABROAD: Final = 0.2
NIGHT_ENDS: Final = 6
FRAUD: Final = 1.5


class CannotInit(Exception):
    """The files of a new endpoint cannot be written; the text says why, and what to do."""


def write_starter(folder: Path, name: str) -> list[Path]:
    """Write an endpoint's files into a folder, which is made where it does not exist; what is there is never replaced.

    Returns the files. Raises BadName, CannotInit.
    """
    check_name(name, "endpoint name")
    contents = dict(_contents(name))
    try:
        if taken := [file for file in contents if (folder / file).exists()]:
            raise CannotInit(f"{folder} has {', '.join(taken)} already: name another folder with --folder.")
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in contents.items():
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotInit(
            f"{folder} cannot be written to: {error.strerror}. Name another folder with --folder."
        ) from error
    return [folder / file for file in contents]


def _contents(name: str) -> Iterator[tuple[str, str]]:
    words = {"name": name, "endpoint": safe_name(name), "model": name}
    for file in TEMPLATES:
        template = (files("understudy.app.starter") / f"{file}.template").read_text(encoding="utf-8")
        yield file, Template(template).substitute(words)
    yield TRAINING, _csv(_payments(_random(1), TRAINING_ROWS))
    yield EVENTS, _csv([_event(row) for row in _payments(_random(2), EVENT_ROWS)])


def _random(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - made-up data, which is to be the same every time


def _payments(random: Random, count: int) -> list[dict[str, object]]:
    """Made-up payments, and whether they were fraud, which large ones at night and abroad are more often."""
    return [_payment(random, number) for number in range(count)]


def _payment(random: Random, number: int) -> dict[str, object]:
    amount, hour, abroad = round(random.lognormvariate(3.5, 1.0), 2), random.randrange(24), random.random() < ABROAD
    fraud = amount / 100 + abroad + (hour < NIGHT_ENDS) + random.gauss(0, 0.3) > FRAUD
    return {
        "id": f"payment-{number}",
        "at": FIRST_MS + number * APART_MS,
        "customer": f"customer-{random.randrange(100)}",
        "amount": amount,
        "hour": hour,
        "abroad": str(abroad).lower(),
        "fraud": str(fraud).lower(),
    }


def _event(payment: Mapping[str, object]) -> dict[str, object]:
    """What is known of a payment when it is made."""
    return {name: value for name, value in payment.items() if name != "fraud"}


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
