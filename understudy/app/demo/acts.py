"""The story of the demo, as a table of acts."""

from __future__ import annotations

from typing import Final

from understudy.app.demo import evidence
from understudy.app.demo.orders import deploy, promote, rollback
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR
from understudy.app.demo.steps import Act, Kill, Settle, Tell, Watch

ACTS: Final = (
    Act(
        "v1 in production",
        (deploy(FIRST, "basic"), Watch(0.5), Tell(evidence.production)),
    ),
    Act(
        "v4, v1 rewritten: first a shadow, then production",
        (
            deploy(REFACTOR, "shadow"),
            Watch(1.0),
            Tell(evidence.agreement),
            promote(REFACTOR),
            Watch(0.5),
            Tell(evidence.uninterrupted),
        ),
    ),
    Act(
        "v3_hours, which has a bug: refused as a shadow",
        (
            deploy(BROKEN, "shadow"),
            Watch(1.1),
            Tell(evidence.caught),
            rollback(BROKEN),
            Tell(evidence.untouched),
        ),
    ),
    Act(
        "v2, boosted trees: a canary of 5 %, of 25 %, then production",
        (
            deploy(BETTER, "canary", "5"),
            Watch(1.0),
            Tell(evidence.share),
            deploy(BETTER, "canary", "25"),
            Watch(1.5),
            Tell(evidence.share),
            Tell(evidence.better),
            promote(BETTER),
            Watch(0.5),
            Tell(evidence.uninterrupted),
            Tell(evidence.sticky),
        ),
    ),
    Act(
        "v3_hours as a canary: taken back, its debts reclaimed",
        (
            deploy(BROKEN, "canary", "5"),
            Watch(1.1),
            Tell(evidence.share),
            Tell(evidence.canary_caught),
            Kill(BROKEN),
            rollback(BROKEN),
            Settle(),
            Tell(evidence.reclaimed),
        ),
    ),
    Act(
        "v3_hours without a release: what a blind swap does",
        (deploy(BROKEN, "basic"), Watch(1.1), rollback(BROKEN), Settle(), Tell(evidence.blind)),
    ),
)
