"""Which broker a demo or a test run takes: `auto`, `memory`, `local`, `docker` or `host:port`."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: Final = ("memory", "local", "docker", "host:port")
OPTIONS: Final = "auto, memory, local, docker or host:port"
LOCAL_NEEDS: Final = ("java", "mvn")
ADDRESS: Final = re.compile(r"[^\s:,]+:\d+(,[^\s:,]+:\d+)*")

Kind = Literal["memory", "local", "docker", "given"]


class BadChoice(ValueError):
    """What was asked for is no broker."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was taken, why, and how to get the others. bootstrap: host:port, for a broker that was given."""

    kind: Kind
    why: str
    others: str
    bootstrap: str | None = None

    def __str__(self) -> str:
        return f"{self.bootstrap or self.kind} ({self.why}; {self.others})"


def choose(wanted: str, find: Callable[[str], str | None] = shutil.which) -> Choice:
    """Settle on a broker. `auto` takes local Kafka where it can run here, else memory. Raises BadChoice.

    find: gives the path of a program, or None.
    """
    missing = [program for program in LOCAL_NEEDS if find(program) is None]
    match wanted:
        case "auto" if missing:
            why = f"chosen because {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
            others = "install them for --broker local, or use --broker docker, or name a cluster: --broker host:port"
            return Choice("memory", why, others)
        case "auto":
            return Choice("local", "chosen because java and mvn are here", _others_than("local"))
        case "memory" | "local" | "docker":
            return Choice(wanted, "asked for", _others_than(wanted))
    if not ADDRESS.fullmatch(wanted):
        raise BadChoice(f"{wanted!r} is no broker: say {OPTIONS}.")
    return Choice("given", "asked for", _others_than("host:port"), wanted)


def _others_than(taken: str) -> str:
    return f"or --broker {', '.join(way for way in WAYS if way != taken)}"
