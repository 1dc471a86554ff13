"""Route rows: what each lane owes, written down beside what it was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from understudy.core.frames import FrameHeader
    from understudy.deployments.plan import Lane, Plan

Row = dict[str, object]


def frame_row(lane: Lane, header: FrameHeader) -> Row:
    """A frame was sent to the lane; an END frame closes it."""
    return {
        "kind": "end" if header.is_end else "frame",
        "role": lane.role,
        "version": lane.version,
        "revision": header.revision,
        "source_partition": header.source_partition,
        "base_offset": header.base_offset,
        "span": header.span,
        "count": header.count,
        "share_ppm": header.share_ppm,
        "bitmap": header.bitmap,
        "shadows": [],
    }


def adopted_row(plan: Plan, end: FrameHeader) -> Row:
    """The plan holds from `end`'s offset on."""
    production = plan.lanes()[0]
    return {**frame_row(production, end), "kind": "adopted", "shadows": list(plan.shadows)}
