"""What is followed of a version: its lanes, and a canary's answers once more, beside production's."""

from __future__ import annotations

from typing import Literal, NamedTuple

from understudy.deployments.plan import Lane

Kind = Literal["answering", "shadow", "canary"]


class Track(NamedTuple):
    """One version's records, followed for one purpose.

    answering, shadow: all that the lane was sent, for its ledger; what a shadow was sent as a shadow is compared, too.
    canary: what the answering lane was sent as a canary, followed a second time to be compared. So the ledger of an
    answering lane never waits for anybody, and a comparison that cannot go on is parked alone.
    """

    version: str
    kind: Kind

    @property
    def source(self) -> Track:
        """The track of the lane that its records were sent to."""
        return Track(self.version, "answering") if self.kind == "canary" else self

    @property
    def lane(self) -> Lane:
        """The lane that its records were sent to."""
        return Lane(self.version, "shadow" if self.kind == "shadow" else "answering")
