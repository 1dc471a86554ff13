from __future__ import annotations

import pytest
from support.demo_run import DemoRun, Flight, finished

from understudy.app.demo.figures import Opinion
from understudy.app.demo.pairs import Pairs, beside, combined, paired
from understudy.app.demo.scenery import BETTER, BROKEN, FIRST, REFACTOR


def test_a_shadow_and_production_are_paired_on_every_flight() -> None:
    run = finished()

    rewrite = paired(run.figures, 2, REFACTOR, FIRST)
    assert (rewrite.flights, rewrite.differing, rewrite.judged, rewrite.lost, rewrite.won) == (20, 0, 20, 0, 0)
    assert rewrite.accuracies == (1.0, 1.0)
    broken = paired(run.figures, 4, BROKEN, REFACTOR)
    assert (broken.flights, broken.differing, broken.lost, broken.won) == (20, 10, 10, 0)
    assert broken.accuracies == (0.5, 1.0)
    candidate, production = broken.briers
    assert candidate == pytest.approx((10 * 0.81 + 10 * 0.01) / 20)
    assert production == pytest.approx(0.01)
    assert broken.differs == 0.5


def test_a_canary_is_paired_with_what_production_said_unheard() -> None:
    run = finished()
    its = run.figures.count_in(8, BROKEN)

    pairs = paired(run.figures, 8, BROKEN, BETTER)

    assert 0 < its < 20
    assert pairs.flights == its
    assert pairs.production_right == its
    assert pairs.candidate_right == its - pairs.lost
    assert pairs.differing == pairs.lost > 0


def test_what_was_reclaimed_is_no_evidence() -> None:
    run = DemoRun()
    (flight,) = run.send()
    run.overhear(flight, BETTER)

    run.answer(flight, BETTER, routed_version=BROKEN)

    assert paired(run.figures, 1, BROKEN, BETTER).flights == 0


def test_an_opinion_of_an_earlier_plan_is_not_beside_an_answer() -> None:
    run = finished()
    answer = next(run.figures.answers_in(4))

    assert beside(run.figures, answer, BROKEN) is not None
    assert beside(run.figures, answer, BETTER) is None


def test_nothing_is_known_before_there_is_a_pair() -> None:
    assert Pairs().differs is None
    assert Pairs().accuracies == Pairs().briers == (None, None)


@pytest.mark.parametrize(
    ("wins", "losses", "is_tie"), [(55, 45, True), (80, 20, False), (20, 80, False), (20, 0, True), (100, 0, False)]
)
def test_a_difference_within_two_standard_errors_is_a_tie(wins: int, losses: int, *, is_tie: bool) -> None:
    pairs = Pairs()
    for number in range(wins + losses):
        chances = (0.9, 0.7) if number < wins else (0.7, 0.9)
        pairs.add(Flight(2), *(Opinion("flights:v", 1, late=True, chance=chance) for chance in chances))

    assert pairs.is_tie is is_tie


def test_pairs_of_several_plans_are_added_up() -> None:
    run = finished()
    plans = [paired(run.figures, revision, BROKEN, before) for revision, before in ((4, REFACTOR), (8, BETTER))]

    both = combined(plans)

    assert both.flights == sum(each.flights for each in plans)
    assert both.candidate_squares == pytest.approx(sum(each.candidate_squares for each in plans))
    assert combined([]) == Pairs()
