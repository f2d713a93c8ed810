"""River: its sequential drift detectors, folded over a sequence of numbers."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray


def signals(detector: str, values: NDArray[np.float64], **settings: Any) -> NDArray[np.bool_]:
    """Where a detector of river's signals a change, as it reads the values one by one.

    River's detectors forget what they saw once they have signalled, and begin anew with the next
    value.

    Parameters
    ----------
    detector
        River's name of it: ``ADWIN``, ``PageHinkley``, ``KSWIN``, ``DDM``, ``EDDM``, ``HDDMA``, ``HDDMW``.
    values
        Finite numbers, oldest first; errors as 0 and 1 for the last four.
    settings
        Arguments of river's class.

    Returns
    -------
    One per value, shape [values].

    Raises
    ------
    ValueError
        River refuses the settings.
    """
    drift = _drift()
    made = getattr(drift if hasattr(drift, detector) else drift.binary, detector)(**settings)
    found = np.zeros(len(values), bool)
    for at, value in enumerate(values.tolist()):
        made.update(value)
        found[at] = made.drift_detected
    return found


@cache
def _drift() -> ModuleType:
    """River's module of detectors, without the data sets it imports beside them.

    Those load SQLAlchemy, pandas and scikit-learn, and no detector needs them.
    """
    datasets = "river.drift.datasets"
    if "river.drift" in sys.modules or datasets in sys.modules:
        return import_module("river.drift")
    sys.modules[datasets] = ModuleType(datasets)
    try:
        drift = import_module("river.drift")
    finally:
        del sys.modules[datasets]
    if hasattr(drift, "datasets"):
        del drift.datasets  # whoever imports it later gets the whole module
    return drift
