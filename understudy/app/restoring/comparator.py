"""Counting anew: a comparator's place is in notes that nothing else tells, so it begins at the beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from understudy.app.provision import provision_topics
from understudy.app.restoring.errors import CannotRestore
from understudy.app.restoring.found import Found
from understudy.core.log.contract import Position
from understudy.core.log.reading import partitions_of

if TYPE_CHECKING:
    from understudy.core.log.contract import Log
    from understudy.core.settings import Settings

WHY = (
    "What a comparator has counted stands in the notes beside its positions, and nothing else tells it: half of it "
    "restored would count records twice, or never. It can count everything anew, with --recount: its comparisons are "
    "deleted, and made again from all routes and predictions that are still kept."
)


def recount(log: Log, settings: Settings, *, dry_run: bool) -> list[Found]:
    """Empty the comparisons, and set the group to the beginning of what it reads.

    Raises CannotRestore while the group lives; UnknownTopic, LogUnavailable.
    """
    names = settings.names
    with log.admin() as admin:
        if admin.members(names.comparator_group):
            raise CannotRestore(f"The group {names.comparator_group} has live members: stop its comparators first.")
        partitions = partitions_of(admin, (names.routes, names.predictions, names.shadow_predictions))
        first = admin.start_offsets(partitions)
        found = [Found(at, Position(first[at]), "the beginning") for at in partitions]
        if dry_run:
            return found
        admin.delete([names.comparisons])
        provision_topics(admin, settings, [names.comparisons])
        admin.set_positions(names.comparator_group, {each.at: each.position for each in found})
    return found
