"""Run lengths, rates, shares and means of replicated runs, each with its interval.

ARL0 is the expected number of windows to the first alarm where nothing changes, ARL1 the same from a
change on (Page 1954; Basseville and Nikiforov 1993). A replication in which no alarm sounds tells only
that its run length is longer than what was lived through: it is censored, and never left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt


@dataclass(frozen=True)
class RunLength:
    """An average run length, in windows."""

    mean: float | None
    """Windows at risk over alarms; None, read "> windows at risk", where no alarm sounded."""
    low: float
    high: float | None
    """Bounds of its interval; None where there is no upper one."""
    censored: int
    """Replications without an alarm."""
    restricted_mean: float
    """The expected min(run length, longest horizon), by Kaplan and Meier: no law is assumed."""
    alarms: int
    at_risk: int
    """Windows lived through up to and including the first alarm, over all replications."""


def arl(first_alarms: Sequence[int | None], horizon: int | Sequence[int], level: float = 0.95) -> RunLength:
    """The average run length, by replication with right-censoring.

    The mean is the maximum likelihood estimate of an exponential (and of a geometric) law, windows at
    risk over alarms. Its interval is ``2 T / chi2(1 - a/2; 2 d + 2)`` to ``2 T / chi2(a/2; 2 d)`` for d
    alarms in T windows, as usual for tests of life that end at a set time: the inverse of Garwood's interval
    of a rate. It is exact for an exponential law over a fixed time at risk, and on the safe side for
    windows, which hold at most one first alarm. The restricted mean is the area
    under the estimate of Kaplan and Meier 1958.

    Parameters
    ----------
    first_alarms
        Of each replication, the windows lived through up to and including the first alarm, counted from
        1; None where none sounded.
    horizon
        Windows that each replication lives through: one number for all, or one for each.
    level
        Coverage of the interval.

    Raises
    ------
    ValueError
        There is no replication, or a run length is not between 1 and its horizon.

    >>> found = arl([10, None, None], horizon=20)
    >>> found.mean, found.censored, round(found.low, 1), round(found.high)
    (50.0, 2, 9.0, 1975)
    >>> nothing = arl([None, None], horizon=30)
    >>> nothing.mean, nothing.at_risk, nothing.high
    (None, 60, None)
    """
    horizons = [horizon] * len(first_alarms) if isinstance(horizon, int) else list(horizon)
    if not first_alarms or len(horizons) != len(first_alarms):
        raise ValueError(
            f"{len(first_alarms)} run lengths with {len(horizons)} horizons: one for each is needed"
        )
    for length, longest in zip(first_alarms, horizons, strict=True):
        if longest < 1 or (length is not None and not 1 <= length <= longest):
            raise ValueError(f"a run length of {length} with a horizon of {longest}: write 1 to the horizon")
    lived = [h if length is None else length for length, h in zip(first_alarms, horizons, strict=True)]
    alarms, at_risk = sum(length is not None for length in first_alarms), sum(lived)
    rate, low, high = rate_interval(alarms, at_risk, level)
    return RunLength(
        mean=1 / rate if rate else None,
        low=1 / high,
        high=1 / low if low else None,
        censored=len(lived) - alarms,
        restricted_mean=_restricted(first_alarms, lived),
        alarms=alarms,
        at_risk=at_risk,
    )


def _restricted(first_alarms: Sequence[int | None], lived: Sequence[int]) -> float:
    """The area under Kaplan and Meier's survival curve, up to the longest window lived through."""
    surviving, area, since = 1.0, 0.0, 0
    for window in sorted(set(lived)):
        area += surviving * (window - since)
        since = window
        dying = sum(length == window for length in first_alarms)
        surviving *= 1 - dying / sum(length >= window for length in lived)
    return area


def rate_interval(count: float, exposure: float, level: float = 0.95) -> tuple[float, float, float]:
    """A rate, and its exact interval when events follow a Poisson law.

    ``chi2(a/2; 2 n) / 2 T`` to ``chi2(1 - a/2; 2 n + 2) / 2 T`` (Garwood 1936); the lower bound is 0
    without an event.

    Parameters
    ----------
    count
        Events; no whole number where it was divided by a dispersion.
    exposure
        Time in which they could have happened.
    level
        Coverage of the interval.

    Raises
    ------
    ValueError
        The count is negative, there was no time, or the level is not between 0 and 1.

    >>> [round(x, 4) for x in rate_interval(3, 100)]
    [0.03, 0.0062, 0.0877]
    """
    tail = _tail(level)
    if count < 0 or exposure <= 0:
        raise ValueError(f"{count} events in {exposure}: a rate needs some time and no less than no events")
    from scipy.stats import chi2  # keeps `simlab --help` instant

    low = float(chi2.ppf(tail, 2 * count)) / 2 / exposure if count else 0.0
    return count / exposure, low, float(chi2.ppf(1 - tail, 2 * count + 2)) / 2 / exposure


def share_interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float, float]:
    """A share, and its exact interval (Clopper and Pearson 1934).

    Parameters
    ----------
    hits
        How many hit.
    n
        How many tried.
    level
        Coverage of the interval.

    Raises
    ------
    ValueError
        Nobody tried, or more hit than tried.

    >>> [round(x, 4) for x in share_interval(0, 20)]
    [0.0, 0.0, 0.1684]
    """
    tail = _tail(level)
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n}: a share needs some that tried, and no more hits than these")
    from scipy.stats import beta

    low = float(beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.ppf(1 - tail, hits + 1, n - hits)) if hits < n else 1.0
    return hits / n, low, high


def mean_interval(
    values: Sequence[float], level: float = 0.95
) -> tuple[float | None, float | None, float | None]:
    """A mean over seeds, and its interval by Student's t.

    Undefined, and therefore None, without a value; the bounds are None with fewer than two.

    Parameters
    ----------
    values
        One figure of each seed.
    level
        Coverage of the interval.

    Raises
    ------
    ValueError
        The level is not between 0 and 1.

    >>> [round(x, 3) for x in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    tail, n = _tail(level), len(values)
    if not n:
        return None, None, None
    mean = fsum(values) / n
    if n < 2:
        return mean, None, None
    from scipy.stats import t

    spread = sqrt(fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    half = float(t.ppf(1 - tail, n - 1)) * spread
    return mean, mean - half, mean + half


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a level of {level}: write a share between 0 and 1, such as 0.95")
    return (1 - level) / 2
