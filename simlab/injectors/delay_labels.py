"""The injector `delay_labels`."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simlab.reference import Size
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from simlab.reference import Reference

SEAM = "arrival"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")

Law = Literal["constant", "exponential", "lognormal", "weibull"]
Form = Annotated[float, Field(ge=0.05, le=10)]


def delay_labels(
    delays: np.ndarray,
    rows: pa.Table,
    answered: np.ndarray,
    mask: np.ndarray,
    strength: float,
    rng: np.random.Generator,
    reference: Reference,
    *,
    mean: Duration,
    law: Law = "lognormal",
    form: Form = 1.0,
    positive: Duration | None = None,
) -> np.ndarray:
    """Let labels come later, by a law of waiting times; perhaps later still where the answer is yes.

    Each label waits longer by ``s W`` at strength s, with W of the given mean: constant; exponential;
    lognormal, ``mean exp(form Z - form^2 / 2)``; or Weibull, ``mean / Gamma(1 + 1/form) E^(1/form)``,
    with Z normal and E exponential. Chargebacks tell of fraud late, while silence is read as honesty
    early: give `positive` a mean of its own. Let `labels.horizon` be long enough, or the monitors stop
    waiting.

    Parameters
    ----------
    delays
        Seconds until each label is known; infinity for never, which stays so.
    rows, answered, mask, strength, rng, reference
        As for every injector of the arrival; one draw per row is taken.
    mean
        How much later on average, at full strength.
    law
        How waiting times are distributed around that mean.
    form
        Lognormal: standard deviation of the logarithm. Weibull: its shape; below 1 some wait very long.
    positive
        The mean for rows whose record says yes; as for all others when not said.

    Returns
    -------
    numpy.ndarray
        Seconds until each label is known.

    Raises
    ------
    ValueError
        `positive` in a regression.
    """
    import numpy as np

    if strength == 0:
        return delays
    means = _means(rows, reference, mean, positive)
    if law == "lognormal":
        wait = np.exp(form * rng.standard_normal(len(delays)) - form**2 / 2)
    else:
        wait = -np.log1p(-rng.random(len(delays)))
        if law == "constant":
            wait = np.ones(len(delays))
        elif law == "weibull":
            wait = wait ** (1 / form) / math.gamma(1 + 1 / form)
    return np.where(mask, delays + strength * means * wait, delays)


def _means(rows: pa.Table, reference: Reference, mean: timedelta, positive: timedelta | None) -> np.ndarray:
    """The mean of each row, in seconds."""
    import numpy as np

    seconds = mean.total_seconds()
    if positive is None:
        return np.full(rows.num_rows, seconds)
    if reference.problem != "binary":
        raise ValueError("delay_labels: a regression says neither yes nor no, so leave out `positive`")
    yes = rows[reference.target].to_numpy() >= 0.5
    return np.where(yes, positive.total_seconds(), seconds)


def _deviation(law: Law, form: float) -> float:
    """Standard deviation of a waiting time of mean 1."""
    if law == "lognormal":
        return math.sqrt(math.expm1(form**2))
    if law == "weibull":
        return math.sqrt(math.gamma(1 + 2 / form) / math.gamma(1 + 1 / form) ** 2 - 1)
    return 1.0 if law == "exponential" else 0.0


def size(
    before: np.ndarray,
    after: np.ndarray,
    mask: np.ndarray,
    strength: float,
    reference: Reference,
    *,
    rows: pa.Table | None = None,
    answered: np.ndarray | None = None,
    mean: timedelta,
    law: Law = "lognormal",
    form: float = 1.0,
    positive: timedelta | None = None,
) -> Size:
    """How much later labels come on average, in hours: ``s`` times the mean of the law."""
    import numpy as np

    what = "mean extra delay, in hours"
    where = mask & np.isfinite(before)
    count = int(where.sum())
    if not count:
        return Size(what, None, None)
    measured = float((after[where] - before[where]).mean() / 3600)
    if rows is None and positive is not None:
        return Size(what, None, measured)
    means = (
        np.full(len(before), mean.total_seconds())
        if rows is None
        else _means(rows, reference, mean, positive)
    )[where]
    hours = strength * means / 3600
    error = _deviation(law, form) * float(np.sqrt((hours**2).sum())) / count
    return Size(what, float(hours.mean()), measured, error)
