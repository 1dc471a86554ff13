"""Which broker a demo or a test run takes: `auto`, `memory`, `local` or `host:port`."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: Final = "auto, memory, local or host:port"
LOCAL_NEEDS: Final = ("java", "mvn")
ADDRESS: Final = re.compile(r"[^\s:,]+:\d+(,[^\s:,]+:\d+)*")

Kind = Literal["memory", "local", "given"]


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
            return Choice("memory", why, "install them for --broker local, or name a cluster: --broker host:port")
        case "auto":
            return Choice("local", "chosen because java and mvn are here", "or --broker memory, --broker host:port")
        case "memory":
            return Choice("memory", "asked for", "or --broker local, --broker host:port")
        case "local":
            return Choice("local", "asked for", "or --broker memory, --broker host:port")
    if not ADDRESS.fullmatch(wanted):
        raise BadChoice(f"{wanted!r} is no broker: say {OPTIONS}.")
    return Choice("given", "asked for", "or --broker local, --broker memory", wanted)
