"""What a person asks for, and whether the state allows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import TYPE_CHECKING, Final, Literal

from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.fold import apply
from understudy.deployments.routing import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from understudy.deployments.events import Draft
    from understudy.deployments.fold import PlannedPart, State

    Propose = Callable[[State], Draft | None]

Strategy = Literal["basic", "shadow", "canary"]

PARTS: Final[Mapping[Strategy, PlannedPart]] = {"basic": "production", "shadow": "shadow", "canary": "canary"}
FIRST_SHARE_PPM: Final = BUCKETS // 20
"""A new canary's share, where none is asked for: 5 %."""
PERCENT_PPM: Final = BUCKETS // 100


@dataclass(frozen=True, slots=True)
class Order:
    """A deployment that is asked for.

    share_ppm, mirrored, salt: of a canary. None leaves the canary that there is as it is; a new one gets 5 % of the
    keys, mirrored, with a salt that follows from its name.
    """

    version: str
    strategy: Strategy
    share_ppm: int | None = None
    mirrored: bool | None = None
    salt: int | None = None
    reason: str = ""

    @property
    def part(self) -> PlannedPart:
        """What the version becomes."""
        return PARTS[self.strategy]

    def draft(self, state: State, forced: str = "") -> Draft:
        """The planned event. Raises Refused where the state does not allow it."""
        match self.strategy:
            case "basic":
                return proposals.deploy_basic(state, self.version, self.reason, forced)
            case "shadow":
                return proposals.deploy_shadow(state, self.version, self.reason, forced)
            case "canary":
                return self._canary(state, forced)

    def _canary(self, state: State, forced: str) -> Draft:
        canary = state.plan.canary if state.plan is not None else None
        now = canary if canary is not None and canary.version == self.version else None
        if now is not None and self.share_ppm is None and self.mirrored is None:
            raise Refused(f"{self.version} is the canary with {percent(now.share_ppm)} of the keys: say --share")
        return proposals.deploy_canary(
            state,
            self.version,
            (now.share_ppm if now else FIRST_SHARE_PPM) if self.share_ppm is None else self.share_ppm,
            mirrored=(now.mirrored if now else True) if self.mirrored is None else self.mirrored,
            salt=self.salt,
            reason=self.reason,
            forced=forced,
        )


def rehearse(state: State, *wishes: Propose) -> State:
    """The state after these proposals, were each of them the next event. Raises Refused for what it does not allow."""
    for propose in wishes:
        draft = propose(state)
        if draft is not None:
            signed = proposals.legal(state, draft).signed("a rehearsal", state.sequence + 1, 0, "nobody")
            state = apply(state, signed).state
    return state


def ppm_of(text: str) -> int:
    """A percentage as millionths: "5" is 50,000. Raises ValueError, saying what can be given."""
    try:
        ppm = Decimal(text) * PERCENT_PPM
    except DecimalException:
        ppm = Decimal("NaN")
    if ppm.is_nan() or not 0 < ppm <= BUCKETS or ppm != ppm.to_integral_value():
        raise ValueError(f"{text!r} is no share: give a percentage from 0.0001 to 100, with at most four decimals")
    return int(ppm)


def percent(share_ppm: int) -> str:
    """A share for people: 50,000 is "5 %"."""
    return f"{Decimal(share_ppm) / PERCENT_PPM:f} %"
