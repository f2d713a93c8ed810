"""Matplotlib: pictures for pages and folders, the same bytes for the same figures."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Sequence
from typing import Any

# Its font cache belongs where simlab may write, and not into the user's own folders.
os.environ.setdefault("MPLCONFIGDIR", tempfile.gettempdir())

import matplotlib

matplotlib.use("svg")

from matplotlib.figure import Figure

STYLE = {"svg.hashsalt": "simlab", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9.0}
INK, QUIET, ACCENT = "#333333", "#9aa0a6", "#1f6feb"

Spread = tuple[float | None, float | None, float | None]
"""A mean and the bounds of its interval."""


def figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, Any]:
    """An empty figure of so many inches, and its axes as a flat list."""
    with matplotlib.rc_context(STYLE):
        found = Figure(figsize=(width, height), layout="constrained")
        axes = found.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis in axes:
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    return found, axes


def svg(drawn: Figure) -> str:
    """The figure as SVG, without a date or random ids."""
    out = io.StringIO()
    with matplotlib.rc_context(STYLE):
        drawn.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def pareto(
    points: Sequence[tuple[str, Spread, Spread, bool]], across: str, up: str, *, lower_is_better: bool
) -> str:
    """Quality against cost, one point a variant, with its intervals; the efficient ones in colour.

    Parameters
    ----------
    points
        Name, cost and quality of each variant, and whether no other one beats it in both.
    across, up
        What cost and quality are called.
    lower_is_better
        Whether less of the quality figure is better.

    Returns
    -------
    str
        SVG.
    """
    drawn, (axis,) = figure(6.4, 4.2)
    front = sorted((x[0], y[0]) for _, x, y, efficient in points if efficient and x[0] is not None)
    if len(front) > 1:
        axis.step(*zip(*front, strict=True), where="post", color=ACCENT, linewidth=1, alpha=0.5)
    for name, x, y, efficient in points:
        if x[0] is None or y[0] is None:
            continue
        color = ACCENT if efficient else QUIET
        axis.errorbar(
            x[0],
            y[0],
            xerr=_bars(x),
            yerr=_bars(y),
            fmt="o",
            color=color,
            capsize=2,
            linewidth=1,
            markersize=5,
        )
        axis.annotate(name, (x[0], y[0]), xytext=(6, 5), textcoords="offset points", color=INK)
    axis.set_xlabel(f"{across} (less is better)")
    axis.set_ylabel(f"{up} ({'less' if lower_is_better else 'more'} is better)")
    axis.margins(0.15)
    return svg(drawn)


def _bars(spread: Spread) -> list[list[float]] | None:
    middle, low, high = spread
    if middle is None or low is None or high is None:
        return None
    return [[middle - low], [high - middle]]
