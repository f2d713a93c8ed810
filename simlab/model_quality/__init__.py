"""Model quality as Model Monitor measures and judges it: figures and files.

Pure: answers and labels in, figures and the bodies of AWS's files out. The monitor itself is
`simlab.monitors.model_quality`.
"""

from __future__ import annotations

from simlab.model_quality.figures import Figures, figures
from simlab.model_quality.files import (
    Constraint,
    Operator,
    constraints_of,
    read_constraints,
    statistics_body,
    suggested,
)
from simlab.model_quality.names import CONSTRAINED, KINDS, REPLACEMENT, Judged, Kind

__all__ = [
    "CONSTRAINED",
    "KINDS",
    "REPLACEMENT",
    "Constraint",
    "Figures",
    "Judged",
    "Kind",
    "Operator",
    "constraints_of",
    "figures",
    "read_constraints",
    "statistics_body",
    "suggested",
]
