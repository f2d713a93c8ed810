"""Derive `acs_employment.parquet` from the rows that NannyML ships: words for codes, and a nominal clock.

Run it as ``python derive.py SOURCE.parquet [FOLDER]``, where the source holds nannyml 0.13.1's
employment_MA_reference.pq and employment_MA_analysis.pq (joined with employment_MA_analysis_target.pq
by id), with ages of 16 to 90. It writes into FOLDER, or beside itself; built twice it gives the same bytes
(same PyArrow), and their digest is in `card.yaml`.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent

YES = {"1": "yes", "2": "no"}
WORDS = {
    "SCHL": {
        "1": "none",
        "2": "nursery school",
        "3": "kindergarten",
        **{str(grade + 3): f"grade {grade}" for grade in range(1, 12)},
        "15": "grade 12, no diploma",
        "16": "high school diploma",
        "17": "GED",
        "18": "college, under a year",
        "19": "college, no degree",
        "20": "associate",
        "21": "bachelor",
        "22": "master",
        "23": "professional",
        "24": "doctorate",
    },
    "MAR": {"1": "married", "2": "widowed", "3": "divorced", "4": "separated", "5": "never married"},
    "RELP": {
        "0": "reference person",
        "1": "husband or wife",
        "2": "biological child",
        "3": "adopted child",
        "4": "stepchild",
        "5": "sibling",
        "6": "parent",
        "7": "grandchild",
        "8": "parent-in-law",
        "9": "child-in-law",
        "10": "other relative",
        "11": "roomer or boarder",
        "12": "housemate",
        "13": "unmarried partner",
        "14": "foster child",
        "15": "other nonrelative",
        "16": "institution",
        "17": "other group quarters",
    },
    "DIS": YES,
    "CIT": {
        "1": "born in the US",
        "2": "born in a US territory",
        "3": "born abroad of American parents",
        "4": "naturalized",
        "5": "not a citizen",
    },
    "MIG": {"1": "same house", "2": "came from abroad", "3": "other house in the US"},
    "MIL": {
        "0": "under 17",
        "1": "on active duty",
        "2": "active duty in the past",
        "3": "training only",
        "4": "never served",
    },
    "ANC": {"1": "single", "2": "multiple", "3": "unclassified", "4": "not reported"},
    "NATIVITY": {"1": "native", "2": "foreign born"},
    "DEAR": YES,
    "DEYE": YES,
    "DREM": YES,
    "SEX": {"1": "Male", "2": "Female"},
    "RAC1P": {
        "1": "White",
        "2": "Black",
        "3": "American Indian",
        "4": "Alaska Native",
        "5": "American Indian or Alaska Native, tribe unspecified",
        "6": "Asian",
        "7": "Pacific Islander",
        "8": "Some other race",
        "9": "Two or more races",
    },
}
"""What the codes of the PUMS data dictionary (2015 to 2018) say, shortened."""


def dealt(year: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of a year's rows comes when: dealt out one by one to its days, evenly spread within each.

    The source's own order is of no use as a clock: people in group quarters are the last of 2017 and the
    first of 2018, and scattered in the other years.
    """
    first, last = datetime(year, 1, 1), datetime(year + 1, 1, 1)
    days = (last - first).days
    day = np.arange(rows) % days
    order = np.argsort(day, kind="stable")
    round_, per_day = (np.arange(rows) // days)[order], np.bincount(day, minlength=days)[day[order]]
    seconds = day[order] * 86400 + (round_ * 86400) // per_day
    return order, np.datetime64(first, "s") + seconds


def derived(source: pa.Table) -> pa.Table:
    """The rows as they are shipped: words for codes, and a nominal moment within the year."""
    parts = []
    for year in sorted(pc.unique(source["year"]).to_pylist()):
        of_year = source.filter(pc.equal(source["year"], year)).sort_by("id")
        order, times = dealt(year, of_year.num_rows)
        table = of_year.take(pa.array(order))
        parts.append(table.append_column("event_time", pa.array(times.astype("datetime64[us]"))))
    rows = pa.concat_tables(parts)
    columns = {"event_time": rows["event_time"], "AGEP": rows["AGEP"]}
    for name, words in WORDS.items():
        codes = rows[name].cast(pa.string()).combine_chunks()
        said = pa.array([words[code] for code in codes.to_pylist()], pa.string())
        columns[name] = said.dictionary_encode()
    return pa.table(columns | {"employed": rows["employed"], "year": rows["year"]})


if __name__ == "__main__":
    pq.write_table(
        derived(pq.read_table(sys.argv[1])),
        Path(sys.argv[2] if len(sys.argv) > 2 else HERE) / "acs_employment.parquet",
        compression="zstd",
        compression_level=19,
        use_dictionary=[*WORDS, "AGEP", "employed", "year"],
        column_encoding={"event_time": "DELTA_BINARY_PACKED"},
        write_statistics=False,
    )
