from __future__ import annotations

from comparator.ledger import LaneLedger
from comparator.summary import Comparison
from understudy.app.status.facts import Group, Lane, Status, Times
from understudy.app.status.showing import page
from understudy.deployments.fold import Standing, State
from understudy.deployments.plan import Plan


def test_a_page_for_people() -> None:
    status = Status(
        "flights",
        State(
            plan=Plan(2, "m:v1", ("m:v2",)),
            versions={"m:v1": Standing("production", "0" * 64), "m:v2": Standing("shadow", "1" * 64, paused="slow")},
        ),
        [Group("flights.router", "router", None, (), 3, 0, 12_000)],
        [
            Lane("m:v1", "answering", LaneLedger(routed=12_345, answered=12_345), times=Times(10, 20.5)),
            Lane(
                "m:v2",
                "shadow",
                LaneLedger(routed=100, answered=90),
                Comparison({"matched": 60, "mismatched": 20, "unpaired_missing": 1}, {}, None, None),
            ),
            Lane(
                "m:v3",
                "answering",
                LaneLedger(routed=20, answered=20, reclaimed=8, excluded=1_000),
                Comparison({"matched": 12, "unpaired_withdrawn": 8, "unpaired_production_expired": 9}, {}, None, None),
                Times(1, 2),
            ),
        ],
    )

    assert page(status, ["router is not running."]).splitlines() == [
        "flights, revision 2",
        "",
        "VERSION  STAGE       KEYS",
        "m:v1     production  100 %",
        "m:v2     shadow      100 %  paused: slow",
        "",
        "GROUP           RUNNING      PARTITIONS  BEHIND",
        "flights.router  not running  0/3         12,000",
        "",
        "LANE             ROUTED  ANSWERED  FAILED  RECLAIMED  EXCLUDED  IN FLIGHT  RESIDUAL  MODEL TIME p50/p99",
        "m:v1  answering  12,345    12,345       0          0         0          0         0  10.0/20.5 us",
        "m:v2  shadow        100        90       0          0         0         10         0  -",
        "m:v3  answering      20        20       0          8     1,000          0         0  1.0/2.0 us",
        "",
        "COMPARED  AS      PAIRS  MATCHED  MISMATCHED  FAILED  UNPAIRED  DIFFER  PRODUCTION'S TIME",
        "m:v2      shadow     80       60          20       0         1  25.00%  -",
        "m:v3      canary     12       12           0       0        17  0.00%   -",
        "m:v2 as shadow, unpaired 1: the candidate never answered",
        "m:v3 as canary, unpaired 9: retention removed production's answers; 8: the candidate was withdrawn",
        "",
        "router is not running.",
    ]


def test_without_problems_it_says_so() -> None:
    assert page(Status("flights"), []).splitlines() == ["flights, no plan yet", "", "All is well."]
