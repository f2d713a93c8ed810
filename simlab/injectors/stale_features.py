"""The injector `stale_features`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from simlab.reference import Size
from simlab.yamlfile import Duration

if TYPE_CHECKING:
    from simlab.reference import Reference

SEAM = "updates"
LABELS = "keep"
COLUMN = None
PROBLEMS = ("binary", "regression")


def stale_features(
    name: str,
    end: datetime,
    strength: float,
    *,
    lag: Duration,
    view: str | None = None,
) -> datetime:
    """Tell a feature view of its values later than they were known.

    Stale features: at the end of a window the online store knows a view's values up to ``lag s``
    earlier, with the strength s. What was told stays told, and nothing is lost: the rest comes once
    the lag is over. Models are still built on values as of their own time, so what is served differs
    from what was learned from.

    Parameters
    ----------
    name
        The view.
    end
        Until when it would be told.
    strength
        In [0, 1].
    lag
        How much later it is told at full strength.
    view
        Which view is late; every one with a table of its own when not given.

    Returns
    -------
    datetime.datetime
        Until when it is told.
    """
    if strength == 0 or view not in (None, name):
        return end
    return end - lag * strength


def size(
    before: datetime,
    after: datetime,
    mask: None,
    strength: float,
    reference: Reference,
    *,
    lag: timedelta,
    view: str | None = None,
) -> Size:
    """How many hours later the view is told; nothing is drawn."""
    hours = timedelta(hours=1)
    return Size(f"lag of {view or 'every view'}, in hours", lag * strength / hours, (before - after) / hours)
