"""SageMaker's files of captured requests and of ground truth, written and read.

Pure format: tables in, files out, and back. It knows neither the run nor the monitors.
"""

from __future__ import annotations

from simlab.capture_format.reading import (
    BadLine,
    Captures,
    Merged,
    Truth,
    merge,
    read_captures,
    read_truth,
)
from simlab.capture_format.writing import (
    Encoding,
    Mode,
    by_hour,
    capture_lines,
    event_id,
    truth_lines,
)

__all__ = [
    "BadLine",
    "Captures",
    "Encoding",
    "Merged",
    "Mode",
    "Truth",
    "by_hour",
    "capture_lines",
    "event_id",
    "merge",
    "read_captures",
    "read_truth",
    "truth_lines",
]
