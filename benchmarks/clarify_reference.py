"""AWS's open smclarify on one table: run by `clarify.py`, with the Python of its own environment.

    python clarify_reference.py TABLE.parquet ASKED.json

prints, as JSON, every metric of every group and the seconds that `bias_report` took. It imports nothing
of simlab: smclarify 0.5 needs pandas before 3 and NumPy before 2.
"""

from __future__ import annotations

import json
import logging
import sys
import time

import pandas as pd
from smclarify.bias import metrics as every
from smclarify.bias.metrics import common
from smclarify.bias.report import FacetColumn, LabelColumn, StageType, bias_report

STAGES = {
    "Pre-training": (StageType.PRE_TRAINING, every.PRETRAINING_METRICS),
    "Post-Training": (StageType.POST_TRAINING, every.POSTTRAINING_METRICS),
}
PDF = ("KL", "JS", "LP", "TVD", "KS")


def directly(metric, columns):
    """One metric called by itself, for tables that a whole report refuses."""
    try:
        return float(every.call_metric(metric, **columns))
    except Exception:
        return None


def report(table, asked, facet, values, stage):
    kind, known = STAGES[stage]
    names = [m.__name__ for m in known if m.__name__ != "FT" or asked["flips"]]
    label = LabelColumn("label", table["label"], list(asked["positive"]))
    predicted = LabelColumn("predicted", table["predicted"], list(asked["positive"]))
    group = table[asked["group"]] if asked["group"] else None
    wanted = ["label", "predicted", facet, *(["number"] if asked["flips"] and facet != "number" else [])]
    try:
        found = bias_report(
            table[wanted], FacetColumn(facet, list(values) if values else None), label, kind,
            predicted if kind is StageType.POST_TRAINING else None, names, group,
        )  # fmt: skip
    except ValueError as wrong:
        if "No Label values are present" not in str(wrong):
            raise
        return fallback(table, asked, facet, values, known, group)
    return {part["value_or_threshold"]: {m["name"]: m["value"] for m in part["metrics"]} for part in found}


def fallback(table, asked, facet, values, known, group):
    answers = {}
    continuous = common.series_datatype(table[facet], values) is common.DataType.CONTINUOUS
    for chosen in [values] if values else [[v] for v in table[facet].dropna().unique()]:
        member = table[facet] > chosen[0] if continuous else table[facet].isin(chosen)
        columns = {
            "feature": table[facet],
            "df": table[["number"] if facet != "number" else []],
            "sensitive_facet_index": member,
            "positive_label_index": table["label"].isin(asked["positive"]),
            "label": table["label"].isin(asked["positive"]),
            "positive_predicted_label_index": table["predicted"].isin(asked["positive"]),
            "group_variable": group,
        }
        said = f"({chosen[0]}, {table[facet].max()}]" if continuous else ",".join(map(str, chosen))
        answers[said] = {
            m.__name__: directly(m, columns) for m in known if m.__name__ != "FT" or asked["flips"]
        }
    return answers


def main() -> None:
    logging.disable(logging.CRITICAL)
    table, asked = pd.read_parquet(sys.argv[1]), json.loads(sys.argv[2])
    found, seconds = {}, []
    for _ in range(asked.get("repeats", 1)):
        began = time.perf_counter()
        for facet, values in asked["facets"].items():
            for stage in STAGES:
                found[f"{facet}/{stage}"] = report(table, asked, facet, values, stage)
        seconds.append(time.perf_counter() - began)
    labels = {}
    for facet, values in asked["facets"].items():  # label values one by one, which a report never does
        if values and asked.get("values"):
            member = table[facet].isin(values)
            if common.series_datatype(table[facet], list(values)) is common.DataType.CATEGORICAL:
                columns = {"label": table["label"], "sensitive_facet_index": member}
                labels[facet] = {n: directly(getattr(every.pretraining, n), columns) for n in PDF}
    print(json.dumps({"groups": found, "labels": labels, "seconds": min(seconds)}, default=str))


if __name__ == "__main__":
    main()
