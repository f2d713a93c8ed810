"""What an execution looks at in the small world: captured answers to people, and who earned much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from simlab.artifacts import Deployment
from simlab.executing import baseline_rows
from simlab.monitors import Material, Outcome
from simlab.signature import find, keywords, module_of
from simlab.stages.serve import serve_window
from simlab.stages.validate import screen_window
from tests.stages.people import START, context, people, request, window


def material(
    model: Deployment, rows: int = 300, table: pa.Table | None = None, labelled: float = 1.0
) -> Material:
    """A day's captured answers, a share of them with their label.

    Parameters
    ----------
    table
        People as `tests.stages.people` makes them; drawn afresh when left out.
    labelled
        Share of rows, from the first on, whose label is known.
    """
    given = people(rows, seed=501, first=50_000) if table is None else table
    screened = screen_window(
        context("validate", window=0)[0], model, window(0, table=given.drop_columns(["y"]))
    )
    asked = request(screened)
    served = serve_window(context("serve", window=0)[0], model, asked)
    label = given["y"].to_numpy(zero_copy_only=False)[: asked.table.num_rows].astype(float)
    unknown = np.arange(len(label)) >= labelled * len(label)
    captured = asked.table.append_column("prediction", served.table["prediction"]).append_column(
        "label", pa.array(label, mask=unknown)
    )
    day = START + timedelta(days=1)
    return Material(captured, 0, START, day, day, "simlab-endpoint", "by-hand", seed=7)


def suggested(
    name: str, model: Deployment, rows: pa.Table | None = None, **settings: Any
) -> Mapping[str, bytes]:
    """What a monitor's baseline job makes of the model's baseline rows."""
    suggest = module_of("monitors", name).suggest
    own = {key: value for key, value in settings.items() if key in keywords(suggest)}
    return suggest(model, baseline_rows(model) if rows is None else rows, **own)  # type: ignore[no-any-return]


def execute(name: str, model: Deployment, seen: Material, baseline: Mapping[str, bytes] | None = None, **settings: Any) -> Outcome:  # fmt: skip
    """One execution of a monitor, judging by its own baseline unless another is given."""
    judged = suggested(name, model, **settings) if baseline is None else baseline
    function = find("monitors", name)
    own = {key: value for key, value in settings.items() if key in keywords(function)}
    return function(model, judged, seen, **own)  # type: ignore[no-any-return]
