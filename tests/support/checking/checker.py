"""Whether an endpoint did what it says: every input record answered exactly once, by whom the plan in force names.

Shares no code with the product. What it checks stands in the functions that it calls; it is exact, so it is run on an
endpoint that has come to rest.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from support.checking.answered import read_answers
from support.checking.compared import check_comparisons
from support.checking.findings import Findings
from support.checking.owed import Owed, check_routing, read_routes
from support.checking.plans import Withdrawals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.checking.answered import Answered
    from support.checking.findings import Finding
    from support.checking.rows import Evidence


def check(evidence: Evidence) -> list[Finding]:
    """Every difference, each kind once for each place."""
    findings = Findings()
    withdrawals = Withdrawals(evidence.planned)
    partitions = []
    for partition, keys in evidence.inputs.items():
        owed = Owed.of(partition, keys)
        read_routes(owed, evidence.routes.get(partition, ()), findings)
        check_routing(owed, findings)
        answering = read_answers(owed, "answering", evidence.predictions.get(partition, ()), withdrawals, findings)
        shadow = read_answers(owed, "shadow", evidence.shadow_predictions.get(partition, ()), withdrawals, findings)
        partitions.append((owed, answering, shadow))
    _check_plans(evidence, [owed for owed, _, _ in partitions], findings)
    _check_letters(evidence, [answered for _, *both in partitions for answered in both], findings)
    if evidence.comparisons is not None:
        check_comparisons(evidence.comparisons, partitions, findings)
    return findings.all()


def _check_plans(evidence: Evidence, owed: Sequence[Owed], findings: Findings) -> None:
    """What was adopted was planned."""
    planned = {each.plan["revision"]: each.plan for each in evidence.planned}
    for each in owed if planned else ():
        for stretch in each.stretches:
            if planned.get(stretch.plan["revision"]) != stretch.plan:
                told = f"{stretch.plan}, but the event says {planned.get(stretch.plan['revision'])}"
                findings.add("wrong_plan", f"routes[{each.partition}]", told)


def _check_letters(evidence: Evidence, answered: Sequence[Answered], findings: Findings) -> None:
    """Each record that failed has its dead letter, in its partition."""
    failed: Counter[tuple[int, int, str]] = Counter()
    for each in answered:
        failed.update(each.failed)
    letters = Counter((each.source_partition, each.source_offset, each.version) for each in evidence.letters)
    for place in sorted({*failed, *letters}):
        if failed[place] != letters[place]:
            told = f"offset {place[1]} by {place[2]}: {letters[place]} letters, {failed[place]} failed rows"
            findings.add("wrong_letters", f"dead-letters[{place[0]}]", told)
    for letter in evidence.letters:
        if letter.partition != letter.source_partition:
            findings.add("wrong_partition", f"dead-letters[{letter.partition}]", str(letter))
