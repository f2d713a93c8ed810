"""The policy `on_new_data`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simlab.artifacts import History


def on_new_data(history: History, *, rows: Annotated[int, Field(ge=1)] = 5000) -> str | None:
    """Retrain once enough labelled rows have arrived since the last build.

    A retrain that failed or was refused counts as a build: the next one waits for as many rows again.

    Parameters
    ----------
    rows
        Labelled rows that are enough.

    >>> on_new_data(History(fresh_labels=5200))
    '5200 labelled rows since the last build'
    >>> on_new_data(History(fresh_labels=4999))
    """
    if history.fresh_labels < rows:
        return None
    return f"{history.fresh_labels} labelled rows since the last build"
