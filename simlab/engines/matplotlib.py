"""Matplotlib: pictures for pages and folders, the same bytes for the same figures."""

from __future__ import annotations

import io
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
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


# --- small pictures of what an injector does ----------------------------------------------------

GREY, BLUE = "#8b949e", "#2f81f7"
"""Before and after; both can be read on white and on black."""


def small(columns: int = 1, says: tuple[str, str] = ("before", "after")) -> tuple[Figure, Any]:
    """A small empty figure without a background, with a word for each of its two colours."""
    with matplotlib.rc_context({**STYLE, "font.size": 6.5}):
        drawn = Figure(figsize=(3.2, 1.6), layout="constrained")
        axes = drawn.subplots(1, columns, squeeze=False).ravel().tolist()
        for axis in axes:
            axis.set_facecolor("none")
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
            for side in ("bottom", "left"):
                axis.spines[side].set_color(GREY)
                axis.spines[side].set_linewidth(0.5)
            axis.tick_params(colors=GREY, length=2, width=0.5, pad=1.5)
            axis.locator_params(nbins=4)
        for place, (word, color) in enumerate(zip(says, (GREY, BLUE), strict=True)):
            where = (axes[0], 0.0, "left") if not place else (axes[-1], 1.0, "right")
            where[0].text(where[1], 1.04, word, transform=where[0].transAxes, ha=where[2], color=color)
    return drawn, axes


def small_svg(drawn: Figure) -> str:
    """The figure as SVG whose numbers have two decimals, so that no machine's last digits show."""
    out = io.StringIO()
    with matplotlib.rc_context({**STYLE, "font.size": 6.5}):
        drawn.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font: \1px sans-serif", out.getvalue())
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), text)
    return re.sub(r"\n\s*", "\n", re.sub(r"<!--.*?-->\s*", "", text))


def steps(
    edges: Sequence[float],
    before: Sequence[float],
    after: Sequence[float],
    *,
    across: str,
    up: str = "share of rows",
    log: bool = False,
) -> str:
    """Two histograms with the same edges."""
    drawn, (axis,) = small()
    axis.stairs(before, edges, fill=True, color=GREY, alpha=0.45, linewidth=0)
    axis.stairs(after, edges, color=BLUE, linewidth=1.2)
    if log:
        axis.set_xscale("log")
    axis.set_xlabel(across, color=GREY, labelpad=1)
    axis.set_ylabel(up, color=GREY, labelpad=1)
    return small_svg(drawn)


def bars(
    names: Sequence[str], before: Sequence[float], after: Sequence[float], *, across: str, up: str
) -> str:
    """A pair of bars for each name."""
    drawn, (axis,) = small()
    places = range(len(names))
    axis.bar([p - 0.2 for p in places], before, 0.38, color=GREY, alpha=0.6)
    axis.bar([p + 0.2 for p in places], after, 0.38, color=BLUE)
    axis.set_xticks(list(places), [n if len(n) < 14 else n[:12] + "…" for n in names])
    if max(map(len, names)) * len(names) > 46:
        axis.tick_params(axis="x", labelrotation=22)
    axis.set_xlabel(across, color=GREY, labelpad=1)
    axis.set_ylabel(up, color=GREY, labelpad=1)
    return small_svg(drawn)


def curves(
    x: Sequence[float], before: Sequence[float], after: Sequence[float], *, across: str, up: str
) -> str:
    """Two lines over the same places."""
    drawn, (axis,) = small()
    axis.plot(x, before, color=GREY, linewidth=1.4)
    axis.plot(x, after, color=BLUE, linewidth=1.2)
    low = min(*before, *after)
    axis.set_ylim(bottom=0 if low >= 0 else None)
    axis.set_xlabel(across, color=GREY, labelpad=1)
    axis.set_ylabel(up, color=GREY, labelpad=1)
    return small_svg(drawn)


def panels(
    before: Sequence[tuple[float, float]], after: Sequence[tuple[float, float]], *, across: str, up: str
) -> str:
    """Two clouds of points side by side, on the same scales."""
    drawn, axes = small(2)
    for axis, points, color in zip(axes, (before, after), (GREY, BLUE), strict=True):
        axis.scatter(*zip(*points, strict=True), s=3, color=color, alpha=0.6, linewidth=0)
        axis.set_xlabel(across, color=GREY, labelpad=1)
    both = [*before, *after]
    for axis in axes:
        for place, scale in enumerate((axis.set_xlim, axis.set_ylim)):
            low, high = min(p[place] for p in both), max(p[place] for p in both)
            room = 0.05 * (high - low)
            scale(low - room, high + room)
    axes[0].set_ylabel(up, color=GREY, labelpad=1)
    axes[1].tick_params(labelleft=False)
    return small_svg(drawn)


def dots(
    before: Sequence[tuple[float, float]],
    after: Sequence[tuple[float, float]],
    *,
    across: str,
    up: str,
    names: Mapping[float, str] | None = None,
    line: Sequence[tuple[float, float]] = (),
) -> str:
    """Rings for before and dots for after on the same scales, perhaps with a line behind them."""
    drawn, (axis,) = small()
    if line:
        axis.plot(*zip(*line, strict=True), color=GREY, linewidth=0.6, alpha=0.7)
    axis.scatter(*zip(*before, strict=True), s=9, facecolors="none", edgecolors=GREY, linewidth=0.7)
    axis.scatter(*zip(*after, strict=True), s=4, color=BLUE, linewidth=0)
    if names:
        axis.set_yticks(list(names), list(names.values()))
        axis.margins(y=0.5)
    axis.set_xlabel(across, color=GREY, labelpad=1)
    axis.set_ylabel(up, color=GREY, labelpad=1)
    return small_svg(drawn)


def grids(before: Sequence[Sequence[str]], after: Sequence[Sequence[str]]) -> str:
    """Two small tables side by side, their heads first; cells of the second that differ are in blue."""
    drawn, axes = small(2)
    for axis, cells in zip(axes, (before, after), strict=True):
        axis.set_axis_off()
        wide = [max(len(row[n]) for row in cells) + 1.5 for n in range(len(cells[0]))]
        total, tall = sum(wide), len(cells)
        for down, row in enumerate(cells):
            for n, cell in enumerate(row):
                here = sum(wide[:n]) / total
                head = cells[0][n]
                known = before[down][before[0].index(head)] if head in before[0] else "·"
                same = cells is before or (cell == known if down else head in before[0])
                axis.text(
                    here,
                    0.9 - down / tall,
                    cell,
                    transform=axis.transAxes,
                    color=GREY if same else BLUE,
                    fontsize=6.5 if total < 27 else 5.2,
                    fontstyle="normal" if down else "italic",
                )
    return small_svg(drawn)
