"""Comparison rows of what was counted, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comparator.examples import Example
from comparator.tally import Cell, Group
from understudy.deployments.plan import Lane
from understudy.statistics.moments import Differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = dict[str, object]


def rows_of(source_partition: int, counted: Iterable[tuple[Group, str | None, Cell]]) -> Iterator[Row]:
    """One row for each group and slice."""
    for group, name, cell in counted:
        yield {
            "source_partition": source_partition,
            "version": group.lane.version,
            "role": group.lane.role,
            "against": group.against,
            "revision": group.revision,
            "block": group.block_ms,
            "slice": name,
            "counts": cell.counts,
            "fields": {name: _field_row(differences) for name, differences in cell.fields.items()},
            "model_time_production": _sketch_row(cell.production_times),
            "model_time_candidate": _sketch_row(cell.candidate_times),
            "examples": [example._asdict() for example in cell.examples],
        }


def read_row(row: Mapping[str, Any]) -> tuple[Group, str | None, Cell]:
    """The group, the slice and the statistics of a decoded row."""
    group = Group(Lane(row["version"], row["role"]), row["against"], row["revision"], row["block"])
    cell = Cell(
        dict(row["counts"]),
        {name: _differences(each) for name, each in row["fields"].items()},
        _sketch(row["model_time_production"]),
        _sketch(row["model_time_candidate"]),
        [Example(**example) for example in row["examples"]],
    )
    return group, row["slice"], cell


def _field_row(differences: Differences) -> Row:
    return {
        "count": differences.count,
        "mismatched": differences.mismatched,
        "measured": differences.measured,
        "sum_difference": differences.total,
        "sum_squared_difference": differences.total_squared,
        "sum_absolute_difference": differences.total_absolute,
        "max_absolute_difference": differences.max_absolute,
    }


def _differences(row: Mapping[str, Any]) -> Differences:
    return Differences(
        row["count"],
        row["mismatched"],
        row["measured"],
        row["sum_difference"],
        row["sum_squared_difference"],
        row["sum_absolute_difference"],
        row["max_absolute_difference"],
    )


def _sketch_row(buckets: Mapping[int, int]) -> dict[str, int] | None:
    return {str(bucket): count for bucket, count in buckets.items()} or None


def _sketch(row: Mapping[str, int] | None) -> dict[int, int]:
    return {int(bucket): count for bucket, count in (row or {}).items()}
