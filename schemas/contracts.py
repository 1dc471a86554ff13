"""Our own contracts: the schemas of everything that Understudy writes to a topic.

The current versions stand in `schemas/<name>.avsc`, all that were ever released in `schemas/history/<name>/<n>.avsc`:
topics keep rows for longer than releases live.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final, Literal, TypeAlias, get_args

from schemas.parsing import RecordSchema, fingerprint, parse

__all__ = ["CONTRACTS", "ContractName", "contract", "contract_text", "contract_versions", "fingerprint"]

ContractName: TypeAlias = Literal["frame_header", "route", "prediction", "dead_letter", "comparison", "deployment"]

CONTRACTS: Final[tuple[ContractName, ...]] = get_args(ContractName)


@cache
def contract(name: ContractName) -> RecordSchema:
    """The current schema of a contract. Its timestamps are plain integers, milliseconds since 1970 in UTC."""
    return parse(contract_text(name), f"schemas/{name}.avsc")


@cache
def contract_text(name: ContractName) -> str:
    """A contract as it is published, with its documentation and logical types."""
    return (files("schemas") / f"{name}.avsc").read_text(encoding="utf-8")


@cache
def contract_versions(name: ContractName) -> tuple[RecordSchema, ...]:
    """Every version of a contract that was ever released, the oldest first; the last one is the current one."""
    texts = {
        int(entry.name.removesuffix(".avsc")): entry.read_text(encoding="utf-8")
        for entry in (files("schemas") / "history" / name).iterdir()
    }
    return tuple(parse(texts[number], f"schemas/history/{name}/{number}.avsc") for number in sorted(texts))
