"""The command `produce`."""

import gzip
import sys
import zlib
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from understudy.app.options import AsJson, Bootstrap, Config, outside, settings_of
from understudy.app.output import complain, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

SHOWN_LINES = 20


def produce(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Argument(help="CSV (with a header) or JSON lines; default, or -, standard input.")
    ] = None,
    *,
    form: Annotated[
        Literal["csv", "json"] | None,
        typer.Option("--format", help="Default: by the file's name; json on standard input."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Field that becomes the record's key.")] = None,
    time: Annotated[
        str | None, typer.Option(help="Field that becomes the record's time: milliseconds since 1970, or ISO text.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="At most so many events a second.", min=0.1)] = None,
    config: Config = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Write events from a file to the input topic.

    They are encoded as the endpoint reads them. Lines that are no events are left out and named; the exit status is
    then 1.
    """
    from understudy.app.records.event_files import events
    from understudy.app.records.producing import Fields, produce
    from understudy.app.wire_schemas import event_schema

    settings = settings_of(config, bootstrap)
    with _readable(source) as text, outside(context).open_log(settings) as log:
        lines = events(text, form or _format_of(source), event_schema(settings), (key, time))
        done = produce(log, settings, lines, Fields(key, time), rate_per_s=rate)
    for number, reason in list(done.bad_lines.items())[:SHOWN_LINES]:
        complain(f"Line {number} is left out: {reason}")
    if as_json:
        say_json({"topic": settings.names.input, "events": done.events, "bad_lines": done.bad_lines})
    else:
        say(f"{done.events:,} events written to {settings.names.input}, {len(done.bad_lines):,} lines left out")
    if done.bad_lines:
        raise typer.Exit(1)


def _format_of(source: Path | None) -> Literal["csv", "json"]:
    return "csv" if source is not None and ".csv" in source.suffixes else "json"


@contextmanager
def _readable(source: Path | None) -> "Iterator[TextIO]":
    """The source's text. A file that turns out to be no text, or damaged, ends the block with BadSource."""
    from understudy.app.records.producing import BadSource

    try:
        with _opened(source) as text:
            yield text
    except UnicodeDecodeError as error:
        raise BadSource(f"{source or 'Standard input'} is no text in UTF-8: CSV and JSON lines can be read.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadSource(f"{source} cannot be decompressed: {error}.") from error


def _opened(source: Path | None) -> "AbstractContextManager[TextIO]":
    from understudy.app.records.producing import BadSource

    if source is None or str(source) == "-":
        return nullcontext(sys.stdin)
    try:
        if source.suffix == ".gz":
            return gzip.open(source, "rt", encoding="utf-8", newline="")
        return source.open(encoding="utf-8", newline="")
    except OSError as error:
        raise BadSource(f"{source} cannot be read: {error.strerror}.") from error
