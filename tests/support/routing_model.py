"""What the router's rows and lanes have to be, worked out record by record from the plans in force."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from support.routing import PARTITION, TOPICS, carried, expected, named, routes

from understudy.deployments.plan import Lane, Plan
from understudy.deployments.routing import bucket

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.pile import Pile

    from understudy.core.batches import Batch

Offsets = dict[Lane, list[int]]


def check_history(pile: Pile, batches: Sequence[Batch]) -> None:
    """Every record of the partition is with the lanes of the plan in force, or accounted for as withheld."""
    adopted, routed, withheld = read_rows(pile)
    for lane in routed:
        topic = TOPICS.requests(lane.version) if lane.role == "answering" else TOPICS.shadow_requests(lane.version)
        assert [offset for offset, *_ in carried(pile, topic)] == routed[lane]
    for offset, key, *_ in expected(batches):
        plan = max((each for each in adopted if each[0] <= offset), key=lambda each: each[1].revision)[1]
        mine = bucket(key, plan.salt, PARTITION, offset)
        has = {lane for lane, offsets in routed.items() if offset in offsets}
        lacks = {lane for lane, offsets in withheld.items() if offset in offsets}
        due = {each.lane for each in plan.assignments() if mine in each.buckets}
        production = Lane(plan.production, "answering")
        stands_in = {production} if any(lane.role == "answering" for lane in lacks) else set()
        assert not has & lacks
        assert has | lacks == due | stands_in
        assert len([lane for lane in has if lane.role == "answering"]) == 1


def read_rows(pile: Pile) -> tuple[list[tuple[int, Plan]], Offsets, Offsets]:
    """Plans with the offsets from which they hold, what was routed, what was withheld; each in order, without doubles.

    Asserts what holds for the rows alone: revisions rise, plans hold from where routing was, lanes that left are ended,
    and a lane that is left out stays so while it is in the plan.
    """
    adopted: list[tuple[int, Plan]] = []
    routed: Offsets = defaultdict(list)
    withheld: Offsets = defaultdict(list)
    out: set[Lane] = set()
    ended: list[Lane] = []
    for row in routes(pile):
        lane = Lane(row["version"], row["role"])
        if row["kind"] == "adopted":
            plan = Plan.of_json(row["plan"])
            check_adoption(row, plan, adopted, ended, routed)
            out &= {*plan.lanes()} - {Lane(plan.production, "answering")}
            adopted.append((row["base_offset"], plan))
            ended = []
        elif row["kind"] == "end":
            ended.append(lane)
        else:
            assert row["revision"] == adopted[-1][1].revision
            kept = withheld if row["kind"] == "excluded" else routed
            assert not kept[lane] or named(row)[0] > kept[lane][-1]
            kept[lane] += named(row)
            assert row["kind"] == "excluded" or lane not in out
            out |= {lane} if row["kind"] == "excluded" and row["part"] != "mirror" else set()
    check_ended(adopted, ended)
    return adopted, routed, withheld


def check_adoption(
    row: Mapping[str, Any], plan: Plan, adopted: list[tuple[int, Plan]], ended: list[Lane], routed: Offsets
) -> None:
    """A plan follows an earlier revision, at the offset where that has come to."""
    check_ended(adopted, ended)
    assert row["revision"] == plan.revision > (adopted[-1][1].revision if adopted else 0)
    last = max((offsets[-1] for offsets in routed.values() if offsets), default=-1)
    assert row["base_offset"] == last + 1


def check_ended(adopted: list[tuple[int, Plan]], ended: list[Lane]) -> None:
    """The lanes that left with the last plan are the ones that were ended."""
    if len(adopted) > 1:
        (_, before), (_, plan) = adopted[-2:]
        assert sorted(ended) == sorted(plan.lanes_closed_after(before))
