"""Route rows: what each lane owes, written down beside what it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from understudy.core.frames import FrameHeader
    from understudy.deployments.plan import Assignment, Plan

Row = dict[str, object]


def frame_row(assignment: Assignment, header: FrameHeader) -> Row:
    """A frame was sent to the lane; an END frame closes it."""
    return _row("end" if header.is_end else "frame", assignment, header)


def excluded_row(assignment: Assignment, header: FrameHeader) -> Row:
    """The lane should have had these records, and was not sent them."""
    return _row("excluded", assignment, header)


def adopted_row(plan: Plan, end: FrameHeader) -> Row:
    """The plan holds from `end`'s offset on."""
    production = plan.assignments()[0]
    return {**_row("adopted", production, end), "shadows": list(plan.shadows), "plan": plan.to_json()}


def _row(kind: Literal["frame", "end", "adopted", "excluded"], assignment: Assignment, header: FrameHeader) -> Row:
    return {
        "kind": kind,
        "role": assignment.lane.role,
        "version": assignment.lane.version,
        "revision": header.revision,
        "source_partition": header.source_partition,
        "base_offset": header.base_offset,
        "span": header.span,
        "count": header.count,
        "share_ppm": assignment.share_ppm,
        "bitmap": header.bitmap,
        "shadows": [],
        "part": assignment.part,
        "plan": None,
    }
