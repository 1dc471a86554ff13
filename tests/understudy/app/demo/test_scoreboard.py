from __future__ import annotations

from support.demo_run import DemoRun, Flight, comparison, finished, prediction

from understudy.app.demo import scenery


def test_a_run_at_its_end_adds_up() -> None:
    board = finished().board()

    assert (board.events, board.produced, board.answered, board.missing) == (10, 10, 10, 0)
    assert (board.doubled, board.touched, board.failed, board.residual, board.in_flight) == (0, 0, 0, 0, 0)
    assert (board.owed, board.pairs, len(board.lanes)) == (30, 20, 3)
    assert board.is_complete
    assert board.is_sound


def test_shadows_agree_or_differ() -> None:
    rewrite, broken = finished().board().shadows

    assert (rewrite.lane.version, rewrite.pairs, rewrite.agreeing, rewrite.differs) == (scenery.REFACTOR, 10, 10, 0)
    assert (broken.lane.version, broken.pairs, broken.agreeing, broken.differs) == (scenery.BROKEN, 10, 5, 0.5)
    assert [each.flight for each in broken.differing] == [Flight(n, late=True) for n in (0, 2, 4, 6, 8)]
    assert (rewrite.answers.accuracy, broken.answers.accuracy) == (1.0, 0.5)


def test_before_the_first_comparison_nobody_knows_whether_they_agree() -> None:
    run = DemoRun()
    run.produce()

    board = run.board()

    assert [shadow.differs for shadow in board.shadows] == [None, None]
    assert board.missing == 10
    assert not board.is_complete


def test_a_run_is_not_complete_before_all_is_compared() -> None:
    run = DemoRun()
    run.produce()
    run.answer()

    assert run.board().missing == 0
    assert not run.board().is_complete


def test_a_run_is_not_sound_when_an_event_was_answered_twice() -> None:
    run = finished()
    run.figures.prediction(prediction(scenery.PRODUCTION, run.flights[0], late=True), 11.0)

    assert run.board().is_complete
    assert not run.board().is_sound


def test_a_run_is_not_sound_when_the_ledger_has_a_residual() -> None:
    run = finished()
    run.add(comparison(scenery.PRODUCTION, {"unexpected": 1}))

    assert run.board().residual == 1
    assert not run.board().is_sound
