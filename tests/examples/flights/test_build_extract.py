from __future__ import annotations

import gzip
from itertools import islice

import pytest

pytest.importorskip("pandas")

from examples.flights import events
from examples.flights.build_extract import NotInstalled, Recent, build, csv_bytes, extracts, gzipped, source_folder


def test_january_is_built_again_as_it_is_committed() -> None:
    try:
        source = source_folder()
    except NotInstalled as missing:
        pytest.skip(f"THE EXTRACT WAS NOT BUILT AGAIN: {missing}")
    rebuilt = csv_bytes(extracts(build(source, last_month=1))["training.csv.gz"]).decode().splitlines()

    with gzip.open(events.TRAINING, "rt", encoding="utf-8") as committed:
        assert rebuilt == [line.rstrip("\n") for line in islice(committed, len(rebuilt))]


def test_the_same_data_gives_the_same_bytes() -> None:
    assert gzipped(b"flights") == gzipped(b"flights")
    assert gzip.decompress(gzipped(b"flights")) == b"flights"
    assert gzipped(b"flights")[4:8] == b"\0\0\0\0"


def test_a_flight_under_way_is_not_known_yet() -> None:
    recent = Recent()
    recent.underway = [(1_000 + landed, landed, 0, "JFK", "SFO", 10.0 + landed) for landed in range(10)]

    recent.land_until(1_003)
    before = recent.features(1_003, "JFK", "SFO")
    recent.land_until(1_009)
    after = recent.features(1_009, "JFK", "SFO")

    assert before[2] == pytest.approx((10 + 11 + 12 + 13) / 4)
    assert after[2] == pytest.approx((15 + 16 + 17 + 18 + 19) / 5)
    assert str(before[3]) == "nan"
    assert after[3] == pytest.approx(14.5)


def test_arrivals_of_more_than_a_day_ago_do_not_count_for_a_destination() -> None:
    recent = Recent()
    recent.gains_to["SFO"].extend([(0, 100.0), (50_000, 4.0)])

    assert recent.features(24 * 3600, "JFK", "SFO")[2] == 4.0
