from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.app.releasing.orders import Order, percent, ppm_of, rehearse
from understudy.deployments import proposals
from understudy.deployments.errors import Refused
from understudy.deployments.fold import State
from understudy.deployments.plan import Canary

V1, V2 = "flights:v1", "flights:v2"


def prepared(state: State, version: str) -> State:
    return rehearse(state, lambda state: proposals.prepare(state, version, "0" * 64, "production"))


def with_canary(share_ppm: int, *, mirrored: bool = True) -> State:
    state = rehearse(prepared(State(), V1), Order(V1, "basic").draft)
    return rehearse(prepared(state, V2), Order(V2, "canary", share_ppm, mirrored).draft)


def canary_after(state: State, order: Order) -> Canary | None:
    plan = rehearse(state, order.draft).plan
    assert plan is not None
    return plan.canary


def test_a_new_canary_gets_five_percent_mirrored() -> None:
    state = rehearse(prepared(State(), V1), Order(V1, "basic").draft)

    assert canary_after(prepared(state, V2), Order(V2, "canary")) == Canary(V2, 50_000, mirrored=True)


def test_what_is_not_said_of_a_canary_stays_as_it_is() -> None:
    state = with_canary(250_000, mirrored=False)

    assert canary_after(state, Order(V2, "canary", 500_000)) == Canary(V2, 500_000, mirrored=False)
    assert canary_after(state, Order(V2, "canary", mirrored=True)) == Canary(V2, 250_000, mirrored=True)
    with pytest.raises(Refused, match="is the canary with 25 % of the keys: say --share"):
        Order(V2, "canary").draft(state)


def test_a_rehearsal_refuses_what_the_log_would_and_changes_nothing() -> None:
    state = State()

    after = rehearse(
        state, lambda state: proposals.prepare(state, V1, "0" * 64, "production"), Order(V1, "basic").draft
    )

    assert (after.sequence, state.sequence) == (2, 0)
    with pytest.raises(Refused, match="never deployed"):
        rehearse(state, Order(V1, "basic").draft)


@pytest.mark.parametrize(("order", "part"), [("basic", "production"), ("shadow", "shadow"), ("canary", "canary")])
def test_each_strategy_prepares_for_a_part(order: str, part: str) -> None:
    assert Order(V1, order).part == part  # type: ignore[arg-type]  # one of the strategies


@given(st.integers(min_value=1, max_value=1_000_000))
def test_a_share_is_written_as_it_is_read(share_ppm: int) -> None:
    assert ppm_of(percent(share_ppm).removesuffix(" %")) == share_ppm


@pytest.mark.parametrize(("ppm", "text"), [(50_000, "5 %"), (1_000_000, "100 %"), (1, "0.0001 %"), (12_500, "1.25 %")])
def test_shares_for_people(ppm: int, text: str) -> None:
    assert percent(ppm) == text


@pytest.mark.parametrize("text", ["0", "-1", "100.0001", "0.00001", "5%", "five", "nan", "inf", "1e9", "1e1000000", ""])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="give a percentage from"):
        ppm_of(text)
