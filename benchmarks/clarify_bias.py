"""Clarify's bias metrics beside AWS's open smclarify: whether they agree, and how fast both are.

    python benchmarks/clarify_bias.py OTHER_PYTHON [--rows 1000000] [--seeds 10] [--repeats 1]

The other environment is made with `pip install "pandas<3" "numpy<2" "pyarrow<21" smclarify`.
Exit code 1 where a figure differs by more than 1e-9.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from simlab.clarify.bias import BiasFigure, BiasStage, FlipRows, figures, look
from simlab.clarify.facets import Threshold
from simlab.clarify.pre_training import jensen_shannon, kullback_leibler, norm
from simlab.engines import engine

REFERENCE = Path(__file__).with_name("clarify_reference.py")
STAGES: tuple[BiasStage, ...] = ("Pre-training", "Post-Training")
CLOSE = 1e-9


def table_of(rows: int, seed: int, labels: int = 2, edge: str = "") -> pa.Table:
    """Rows of two facets, a group variable, a number, labels and answers; some cells empty on purpose."""
    rng = np.random.default_rng(seed)
    sex = rng.choice(["F", "M"], rows, p=[0.35, 0.65])
    race = rng.choice(["A", "B", "C", "D"], rows, p=[0.6, 0.25, 0.1, 0.05])
    region = rng.choice(["n", "e", "s", "w"], rows)
    age = rng.integers(18, 90, rows)
    odds = 0.8 * (sex == "M") + 0.5 * (race == "A") + (age - 50) / 40 - 0.6
    label = (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    if labels > 2:
        label = np.where(label == 1, rng.integers(1, labels, rows), 0)
    predicted = np.where(rng.random(rows) < 0.2, rng.integers(0, labels, rows), label)
    if edge == "nobody accepted":
        predicted = np.where(sex == "F", 0, predicted)
    elif edge == "everybody accepted":
        predicted = np.where(sex == "F", 1, predicted)
    elif edge == "no positive label":
        label = np.where(sex == "F", 0, label)
    elif edge == "nothing accepted at all":
        predicted = np.zeros(rows, np.int64)
    elif edge == "a stratum without negatives":
        label, predicted = np.where(region == "n", 1, label), np.where(region == "n", 1, predicted)
    elif edge == "unknown facets":
        sex = np.where(rng.random(rows) < 0.1, None, sex)
    number = rng.random(rows)
    return pa.table(
        {
            "sex": pa.array(list(sex), pa.string()), "race": pa.array(race), "region": pa.array(region),
            "age": age, "number": number, "label": label, "predicted": predicted,
        }
    )  # fmt: skip


def ours(table: pa.Table, asked: dict[str, Any]) -> tuple[dict[str, dict[str, dict[str, BiasFigure]]], float]:
    """The same question answered here; groups by facet and stage, and the seconds."""
    began = time.perf_counter()
    positive = np.isin(table["label"].to_numpy(), asked["positive"])
    predicted = np.isin(table["predicted"].to_numpy(), asked["positive"])
    facets = {
        name: Threshold(values[0]) if name in ("age", "number") else tuple(values) if values else None
        for name, values in asked["facets"].items()
    }
    seen = look(table, facets, positive, predicted, group_variable=asked["group"])
    found: dict[str, dict[str, dict[str, BiasFigure]]] = {}
    for split, cells in zip(seen.splits, seen.cells, strict=True):
        for stage in STAGES:
            flips = None
            if asked["flips"]:
                names = [] if split.facet == "number" else ["number"]
                flips = FlipRows(engine("matrix").numbers(table, names), engine("sklearn").votes)
            groups = found.setdefault(f"{split.facet}/{stage}", {})
            for figure in figures(
                stage, split, cells, grouped=seen.grouped, predicted=predicted, flips=flips
            ):
                groups.setdefault(figure.value, {})[figure.metric] = figure
    return found, time.perf_counter() - began


def by_label(table: pa.Table, facet: str, values: list[str]) -> dict[str, float]:
    """Distances between the groups' labels with every label value by itself."""
    label = table["label"].to_numpy()
    member = np.isin(table[facet].to_numpy(zero_copy_only=False).astype(object), values)
    size = int(label.max()) + 1
    a, d = np.bincount(label[~member], minlength=size), np.bincount(label[member], minlength=size)
    return {
        "KL": float(kullback_leibler(a, d)), "JS": float(jensen_shannon(a, d)), "LP": float(norm(a, d, 2)),
        "TVD": float(norm(a, d, 1)) / 2, "KS": float(norm(a, d, np.inf)),
    }  # fmt: skip


def theirs(python: str, table: pa.Table, asked: dict[str, Any]) -> dict[str, Any]:
    """What smclarify says, from a process of its own environment."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        pq.write_table(table, path)
        done = subprocess.run(
            [python, str(REFERENCE), str(path), json.dumps(asked)], capture_output=True, text=True, env={}
        )
    if done.returncode:
        raise SystemExit(f"smclarify failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def number_of(value: Any) -> float | None:
    return {"Infinity": math.inf, "-Infinity": -math.inf}.get(value, value) if value is not None else None


def compare(mine: dict[str, Any], answer: dict[str, Any], where: str) -> tuple[float, int, int]:
    """The largest difference, how many figures were compared, and how many have no value on either side."""
    largest, count, without = 0.0, 0, 0
    for place, groups in mine.items():
        for value, metrics in groups.items():
            other = answer["groups"][place][value]
            if set(metrics) != set(other):
                raise SystemExit(
                    f"{where} {place} {value}: {sorted(set(metrics) ^ set(other))} on one side only"
                )
            for name, figure in metrics.items():
                left, right = figure.figure, number_of(other[name])
                if left is None or right is None:
                    if left is not right:
                        raise SystemExit(
                            f"{where} {place} {value} {name}: {left} here ({figure.error}), {right} there"
                        )
                    without += 1
                    continue
                count += 1
                gap = 0.0 if left == right else abs(left - right)
                if not gap <= CLOSE:
                    raise SystemExit(f"{where} {place} {value} {name}: {left} here, {right} there")
                largest = max(largest, gap)
    return largest, count, without


EDGES = (
    "", "nobody accepted", "everybody accepted", "no positive label", "nothing accepted at all",
    "a stratum without negatives", "unknown facets",
)  # fmt: skip


def agreement(python: str, seeds: int) -> None:
    largest, count, without = 0.0, 0, 0
    for seed in range(seeds):
        for labels, edge in [(2, EDGES[seed % len(EDGES)]), (5, ""), (2, "")]:
            table = table_of(200 + 37 * seed, seed, labels, edge)
            asked = {
                "facets": {
                    "sex": ["F"],
                    "race": ["B", "D"] if seed % 2 else None,
                    "age": [40 + seed],
                    "number": [0.5],
                },
                "group": "region" if seed % 3 else None, "positive": [1] if labels == 2 else [1, 3],
                "flips": True, "values": True,
            }  # fmt: skip
            answer = theirs(python, table, asked)
            gap, compared, empty = compare(ours(table, asked)[0], answer, f"seed {seed} {labels} {edge!r}")
            largest, count, without = max(largest, gap), count + compared, without + empty
            for facet, metrics in answer["labels"].items():
                values = asked["facets"][facet]
                for name, value in by_label(table, facet, values).items():
                    if metrics[name] is None or value != value:
                        assert metrics[name] is None and value != value, (facet, name, value, metrics[name])
                        continue
                    largest, count = max(largest, abs(value - metrics[name])), count + 1
    print(f"agreement: {count} figures of {3 * seeds} tables, largest difference {largest:.2g}; "
          f"{without} figures undefined on both sides")  # fmt: skip
    if largest > CLOSE:
        raise SystemExit(1)


def speed(python: str, rows: int, repeats: int) -> dict[str, float]:
    table = table_of(rows, 1)
    asked = {
        "facets": {"sex": ["F"], "race": ["B", "D"]}, "group": "region", "positive": [1], "flips": False,
        "values": False, "repeats": repeats,
    }  # fmt: skip
    mine, first = ours(table, asked)
    seconds = min([first, *(ours(table, asked)[1] for _ in range(4))])
    answer = theirs(python, table, asked)
    gap, count, _ = compare(mine, answer, f"{rows} rows")
    print(
        f"speed: {rows:,} rows, 2 facets, {count} figures (all metrics but FT), here {seconds:.3f} s, "
        f"smclarify {answer['seconds']:.2f} s: {answer['seconds'] / seconds:.0f} times as fast; "
        f"largest difference {gap:.2g}"
    )
    return {"ours": seconds, "smclarify": answer["seconds"], "difference": gap}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("python", help="Python of the environment that has smclarify")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=1)
    given = parser.parse_args()
    agreement(given.python, given.seeds)
    speed(given.python, given.rows, given.repeats)


if __name__ == "__main__":
    sys.exit(main())
