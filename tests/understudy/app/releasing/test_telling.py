from __future__ import annotations

import pytest

from understudy.app.releasing.telling import Told, sentence, story
from understudy.deployments.events import Draft, Event, encode
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Canary, Plan
from understudy.deployments.reading import History

V1, V2 = "flights:v1", "flights:v2"
NOTHING = State()
ALONE = State(plan=Plan(1, V1))
SHADOWED = State(plan=Plan(2, V1, (V2,)))
CANARY = State(plan=Plan(3, V1, canary=Canary(V2, 50_000)))
PROMOTED = State(plan=Plan(4, V2), versions={V1: Standing("retired", "0" * 64)}, previous=V1)


def event(draft: Draft, sequence: int = 1) -> Event:
    return draft.signed("id", sequence, 1_700_000_000_000, "ann@desk")


def planned(action: str, plan: Plan, version: str, reason: str = "", **details: str) -> Event:
    return event(Draft("planned", reason, version, action=action, plan=plan, details=details))


@pytest.mark.parametrize(
    ("happened", "before", "told"),
    [
        (event(Draft("prepared", version=V1, action="production")), NOTHING, f"prepared {V1} for production"),
        (event(Draft("prepared", version=V2, action="shadow")), ALONE, f"prepared {V2} as a shadow"),
        (planned("basic", Plan(1, V1), V1), NOTHING, f"made {V1} production (revision 1)"),
        (planned("basic", Plan(2, V2), V2), ALONE, f"made {V2} production instead of {V1} (revision 2)"),
        (planned("shadow", Plan(2, V1, (V2,)), V2), ALONE, f"made {V2} a shadow of {V1} (revision 2)"),
        (
            planned("canary", Plan(2, V1, canary=Canary(V2, 10_000)), V2),
            ALONE,
            f"made {V2} the canary with 1 % of the keys, mirrored (revision 2)",
        ),
        (
            planned("canary", Plan(4, V1, canary=Canary(V2, 250_000)), V2),
            CANARY,
            f"raised the canary {V2} from 5 % to 25 % (revision 4)",
        ),
        (
            planned("canary", Plan(4, V1, canary=Canary(V2, 10_000)), V2),
            CANARY,
            f"lowered the canary {V2} from 5 % to 1 % (revision 4)",
        ),
        (
            planned("canary", Plan(4, V1, canary=Canary(V2, 50_000, mirrored=False)), V2),
            CANARY,
            f"went on with the canary {V2} not mirrored (revision 4)",
        ),
        (planned("promote", Plan(4, V2), V2, "agrees."), CANARY, f"promoted {V2} over {V1} (revision 4): agrees"),
        (planned("rollback", Plan(5, V1), V2), PROMOTED, f"rolled production back from {V2} to {V1} (revision 5)"),
        (planned("rollback", Plan(4, V1), V2), CANARY, f"took back {V2}, the canary (revision 4)"),
        (planned("rollback", Plan(3, V1), V2), SHADOWED, f"took back {V2}, a shadow (revision 3)"),
        (
            planned("basic", Plan(1, V1), V1, forced="without waiting for a worker"),
            NOTHING,
            f"made {V1} production (revision 1), without waiting for a worker",
        ),
        (event(Draft("paused", "too slow", V2)), CANARY, f"paused {V2}: too slow"),
        (event(Draft("resumed", version=V2)), CANARY, f"resumed {V2}"),
        (event(Draft("withdrawn", version=V2)), ALONE, f"took back the preparation of {V2}"),
        (event(Draft("withdrawn", version=V1)), PROMOTED, f"withdrew {V1}, which was retired"),
        (event(Draft("pruned", version=V1)), PROMOTED, f"deleted the topics of {V1}"),
        (
            event(Draft("excluded", "no such topic", V2, details={"role": "shadow", "partition": "3"})),
            SHADOWED,
            f"excluded the shadow lane of {V2} in partition 3, which pauses the rollout: no such topic",
        ),
        (Event("id", 1, "approved", 0, "bob"), ALONE, "wrote an event that is not known here (approved)"),
    ],
)
def test_every_event_is_a_sentence(happened: Event, before: State, told: str) -> None:
    assert sentence(happened, before) == told


def test_the_story_tells_what_each_event_found() -> None:
    drafts = [
        Draft("prepared", version=V1, sha256="0" * 64, action="production"),
        Draft("planned", version=V1, action="basic", plan=Plan(1, V1)),
        Draft("resumed", version=V1),
        Draft("prepared", version=V2, sha256="1" * 64, action="production"),
        Draft("planned", version=V2, action="basic", plan=Plan(2, V2)),
    ]
    history = History()
    for offset, (draft, sequence) in enumerate(zip(drafts, (1, 2, 3, 3, 4), strict=True)):
        history = history.with_record(offset, encode(event(draft, sequence)))

    told = story(history)

    assert [bool(each.refusal) for each in told] == [False, False, True, False, False]
    assert told[-1].line() == f"2023-11-14 22:13:20Z  ann@desk made {V2} production instead of {V1} (revision 2)."
    assert "This did not take effect: flights:v1 is production, so it cannot be resumed" in told[2].line()


def test_a_record_that_is_no_event_is_left_out() -> None:
    assert story(History().with_record(0, b"garbage")) == []


def test_as_json_nothing_is_left_out() -> None:
    told = Told(planned("basic", Plan(1, V1), V1, "first"), "made it production", "").as_json()

    assert told["plan"] == Plan(1, V1).to_json()
    assert (told["actor"], told["reason"], told["kind"], told["refusal"]) == ("ann@desk", "first", "planned", "")
