"""Derive `airport_day.parquet` from `nyc_flights13.parquet`: how an airport's day went so far.

For each airport, local day and full hour: of the flights of that day that had left the gate by the
hour (`event_ts` + `dep_delay` <= hour, and scheduled before it), how many there were, the share of
them that left more than 15 minutes late, and their mean departure delay. Nothing that became known
after the hour counts: a flight that is late and has not left yet is in no figure, and cancelled
flights never are. Hours run from the first departure of the day to the last scheduled one; an hour
before any departure has no row. The local day is the date five hours behind UTC: New York's own
date for every flight of the file, summer and winter, for none is scheduled between 0 and 1 o'clock.

Run it as ``python derive.py [FOLDER]``; it writes into FOLDER, or beside itself. Built twice it
gives the same bytes (same PyArrow); the digest is in `card.yaml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
LATE_MINUTES = 15
DAY_BEHIND_UTC = np.timedelta64(5, "h")


def airport_day(flights: pa.Table) -> pa.Table:
    """One row per airport, local day and full hour, ordered by hour and airport."""
    airports, airport = np.unique(flights["origin"].cast(pa.string()).to_numpy(), return_inverse=True)
    scheduled = flights["event_ts"].to_numpy().astype("datetime64[m]")
    delay = flights["dep_delay"].cast(pa.float64()).to_numpy()  # NaN: cancelled
    days, day = np.unique((scheduled - DAY_BEHIND_UTC).astype("datetime64[D]"), return_inverse=True)
    group = airport * len(days) + day
    order = np.argsort(group, kind="stable")
    pieces = []
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        left = rows[~np.isnan(delay[rows])]
        if not len(left):
            continue
        minutes = delay[left].astype("int64")
        # A flight that left early is counted after its scheduled minute, so never in its own figures.
        departed = scheduled[left] + np.maximum(minutes, 1)
        by_departure = np.argsort(departed, kind="stable")
        departed, minutes = departed[by_departure], minutes[by_departure]
        first = (departed[0] - np.timedelta64(1, "m")).astype("datetime64[h]") + 1
        last = scheduled[rows].max().astype("datetime64[h]")
        hours = np.arange(first, last + 1)
        known = np.searchsorted(departed, hours.astype("datetime64[m]"), side="right")
        late = np.cumsum(minutes > LATE_MINUTES)[known - 1]
        total = np.cumsum(minutes)[known - 1]
        pieces.append(
            pa.table(
                {
                    "event_ts": hours.astype("datetime64[s]"),
                    "airport_day": [f"{airports[airport[rows[0]]]}-{days[day[rows[0]]]}"] * len(hours),
                    "flights_so_far": known.astype("int16"),
                    "late_share_so_far": late / known,
                    "mean_delay_so_far": total / known,
                }
            )
        )
    derived = pa.concat_tables(pieces).combine_chunks()
    return derived.sort_by([("event_ts", "ascending"), ("airport_day", "ascending")])


def main(folder: Path = HERE) -> Path:
    """Read the flights beside this script and write `airport_day.parquet` into the folder."""
    flights = pq.read_table(
        HERE / "nyc_flights13.parquet", columns=["event_ts", "origin", "dep_delay"], use_threads=False
    )
    target = folder / "airport_day.parquet"
    pq.write_table(
        airport_day(flights),
        target,
        compression="zstd",
        compression_level=19,
        use_dictionary=["airport_day", "flights_so_far"],
        column_encoding={
            "event_ts": "DELTA_BINARY_PACKED",
            "late_share_so_far": "BYTE_STREAM_SPLIT",
            "mean_delay_so_far": "BYTE_STREAM_SPLIT",
        },
    )
    return target


if __name__ == "__main__":
    print(main(*map(Path, sys.argv[1:])))
