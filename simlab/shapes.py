"""Shapes: how hard an injection acts in each window, as a share alpha(t) in [0, 1].

Each shape is a function of the window number `t` and the window `start` in which the injection
begins; its keyword-only parameters are what the scenario may write::

    shape: sudden
    shape: {linear: 4}                    # the only parameter needs no name
    shape: {recurring: {on: 3, off: 5}}

The formulas follow Gama et al. 2014 (ACM Computing Surveys 46:4) and the generators named below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from simlab.errors import did_you_mean
from simlab.signature import adapter, first_line, keywords, sentences, settings

Shape = str | Mapping[str, Any]
"""A shape as a scenario writes it: its name, or its name with its parameters."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Period = Annotated[float, Field(gt=1, allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
At = Annotated[int, Field(ge=0)]
Levels = Annotated[dict[At, Share], Field(min_length=1)]

TAIL = 0.01
"""Intensity below which a shape with an endless tail (`sigmoid_moa`) counts as absent."""


def sudden(t: float, start: float) -> float:
    """Absent before the start, full from then on.

    ``1[t >= p]`` (Gama et al. 2014).

    >>> [sudden(t, 10) for t in (9, 10, 11)]
    [0.0, 1.0, 1.0]
    """
    return float(t >= start)


def linear(t: float, start: float, *, width: Positive) -> float:
    """Grows by the same step in each of `width` windows, the first of them at the start.

    ``(t - p + 1) / w``, clipped to [0, 1]: the intensity reached by the end of window `t`, so that
    the window an injection starts in already differs (CapyMOA's, moved to the end of the window).

    >>> [linear(t, 10, width=4) for t in (9, 10, 11, 12, 13, 14)]
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return min(max((t - start + 1) / width, 0.0), 1.0)


def sigmoid(t: float, start: float, *, width: Positive) -> float:
    """Grows along an S from 0.01 at the start to 0.99 after `width` windows: gradual drift.

    ``1 / (1 + exp(-2 ln 99 (s - 1/2)))`` with ``s = (t - p) / w`` inside [0, 1], and exactly 0 and 1
    outside: CapyMOA's bounded sigmoid with its middle at ``p + w/2``.

    >>> [round(sigmoid(t, 10, width=4), 2) for t in (9, 10, 11, 12, 13, 14, 15)]
    [0.0, 0.01, 0.09, 0.5, 0.91, 0.99, 1.0]
    """
    s = (t - start) / width
    if not 0 <= s <= 1:
        return float(s > 1)
    return _logistic(2 * math.log(99) * (s - 0.5))


def sigmoid_moa(t: float, start: float, *, width: Positive) -> float:
    """Grows along MOA's S, which is one half at the start and has endless tails on both sides.

    ``1 / (1 + exp(-4 (t - p) / w))`` as in MOA's ConceptDriftStream, scikit-multiflow and river:
    0.12 to 0.88 inside ``p - w/2`` to ``p + w/2``. The only shape that acts before its start; offered
    so that results can be compared with theirs.

    >>> [round(sigmoid_moa(t, 10, width=4), 2) for t in (8, 10, 12)]
    [0.12, 0.5, 0.88]
    """
    return _logistic(4 * (t - start) / width)


def equal_mix(t: float, start: float, *, width: Whole) -> float:
    """One half for `width` windows, then full.

    The transition window of FriedmanDrift `gsg`.

    >>> [equal_mix(t, 10, width=2) for t in (9, 10, 11, 12)]
    [0.0, 0.5, 0.5, 1.0]
    """
    return 0.0 if t < start else 0.5 if t < start + width else 1.0


def recurring(t: float, start: float, *, on: Whole, off: Whole) -> float:
    """Full for `on` windows, absent for `off` windows, and again.

    ``1[((t - p) mod (on + off)) < on]`` from the start on (Widmer and Kubat; MOA's
    RecurrentConceptDriftStream).

    >>> [recurring(t, 10, on=2, off=1) for t in (9, 10, 11, 12, 13, 14, 15)]
    [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0]
    """
    return float(t >= start and (t - start) % (on + off) < on)


def seasonal(t: float, start: float, *, period: Period) -> float:
    """Swells and ebbs once every `period` windows, absent at the start itself.

    ``(1 - cos(2 pi (t - p) / S)) / 2`` from the start on. A season the operator knows of is no drift:
    mark the injection `expected: true`.

    >>> [round(seasonal(t, 10, period=4), 2) for t in (9, 10, 11, 12, 13, 14)]
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if t < start:
        return 0.0
    # Reduced to one turn first, so that every season is the same to the last digit.
    return (1 - math.cos(2 * math.pi * ((t - start) % period) / period)) / 2


def pulse(t: float, start: float, *, width: Whole = 1) -> float:
    """Full for `width` windows, then gone: an outlier, not a drift.

    ``1[p <= t < p + d]`` (Gama et al. 2014).

    >>> [pulse(t, 10, width=2) for t in (9, 10, 11, 12)]
    [0.0, 1.0, 1.0, 0.0]
    """
    return float(start <= t < start + width)


def steps(t: float, start: float, *, levels: Levels) -> float:
    """Jumps to a given share at each of some windows, and stays there until the next.

    `levels` maps the number of a window, counted from the beginning of the run, to the share from
    then on: ``sum of c_i 1[t >= p_i]`` (Webb et al. 2016) with ``c_i`` the differences between
    neighbours. Nothing acts before the injection's start.

    >>> [steps(t, 0, levels={10: 0.5, 12: 1.0}) for t in (9, 10, 11, 12)]
    [0.0, 0.5, 0.5, 1.0]
    """
    if t < start:
        return 0.0
    return next((levels[at] for at in sorted(levels, reverse=True) if at <= t), 0.0)


SHAPES: Mapping[str, Callable[..., float]] = {
    shape.__name__: shape
    for shape in (sudden, linear, sigmoid, sigmoid_moa, equal_mix, recurring, seasonal, pulse, steps)
}
"""Every shape by the name a scenario writes."""


def parse(given: Shape) -> Callable[[float, float], float]:
    """The function of window and start that a shape in a scenario stands for.

    Raises
    ------
    ValueError
        It is not a shape; the message holds every problem found.

    >>> parse({"linear": 4})(11, 10)
    0.5
    """
    name, values, problems = _read(given, "shape")
    if problems:
        raise ValueError("; ".join(problems))
    return lambda t, start: SHAPES[name](t, start, **values)


def problems_in(shape: object, where: str = "shape") -> list[str]:
    """What is wrong with a shape, one sentence each, with the nearest right name.

    >>> problems_in({"liner": 4})
    ["shape: no shape called 'liner'; did you mean 'linear'?"]
    """
    return _read(shape, where)[2]


def alpha(shape: Shape, t: int, start: int, end: int | None = None) -> float:
    """The intensity of a shape in window `t`, in [0, 1].

    Parameters
    ----------
    start
        First window in which the injection acts.
    end
        First window in which it no longer acts.

    >>> [alpha("sudden", t, start=3, end=5) for t in (2, 3, 4, 5)]
    [0.0, 1.0, 1.0, 0.0]
    """
    return 0.0 if end is not None and t >= end else parse(shape)(t, start)


def span(shape: Shape, start: int, end: int | None, windows: int) -> tuple[int, int | None] | None:
    """The true episode: the first window in which a shape acts, and the last.

    Windows in between in which it rests (`recurring`, `seasonal`) belong to it.

    Returns
    -------
    tuple or None
        First and last window, both inside; the last is None where it still acts when the run ends.
        None where it never acts within the run.

    >>> span({"pulse": 2}, 10, None, 30), span("sudden", 10, None, 30), span("sudden", 40, None, 30)
    ((10, 11), (10, None), None)
    """
    acting = [t for t, share in enumerate(_course(shape, start, end, windows)) if _acts(shape, share)]
    if not acting:
        return None
    # A shape that rests in the run's last window, but would act again later, has not returned either.
    over = end is not None and end <= windows
    comes_back = not over and _name(shape) in ("recurring", "seasonal")
    return acting[0], None if acting[-1] == windows - 1 or comes_back else acting[-1]


def settled(shape: Shape, start: int, end: int | None, windows: int) -> int | None:
    """The first window in which a shape is as strong as it gets within the run: the change is complete.

    None where it never acts.

    >>> settled({"linear": 4}, 10, None, 30)
    13
    """
    course = _course(shape, start, end, windows)
    strongest = max(course, default=0.0)
    return course.index(strongest) if strongest > 0 else None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of what may stand after `shape:`, generated from the functions above."""
    forms: list[dict[str, Any]] = []
    for name, function in SHAPES.items():
        fields = keywords(function)
        if all(default is not ... for _, default in fields.values()):
            forms.append({"const": name, "description": first_line(function)})
        if not fields:
            continue
        values = {key: _schema_of(annotation) for key, (annotation, _) in fields.items()}
        needed = [key for key, (_, default) in fields.items() if default is ...]
        named = {"type": "object", "properties": values, "required": needed, "additionalProperties": False}
        only = next(iter(values.values())) if len(values) == 1 else None
        forms.append(
            {
                "type": "object",
                "description": first_line(function),
                "properties": {name: {"anyOf": [only, named]} if only else named},
                "required": [name],
                "additionalProperties": False,
            }
        )
    return {"anyOf": forms}


def _schema_of(annotation: Any) -> dict[str, Any]:
    schema: dict[str, Any] = TypeAdapter(annotation).json_schema()
    return schema


def _logistic(x: float) -> float:
    """``1 / (1 + exp(-x))`` without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _course(shape: Shape, start: int, end: int | None, windows: int) -> list[float]:
    """The intensity in every window of a run."""
    function = parse(shape)
    last = windows if end is None else min(end, windows)
    return [function(t, start) for t in range(last)] + [0.0] * (windows - last)


def _acts(shape: Shape, share: float) -> bool:
    return share >= TAIL if _name(shape) == "sigmoid_moa" else share > 0


def _name(shape: Shape) -> str:
    return shape if isinstance(shape, str) else next(iter(shape))


def _read(given: object, where: str) -> tuple[str, dict[str, Any], list[str]]:
    """A shape's name and parameters, and what is wrong with them."""
    if isinstance(given, str):
        name, written = given, None
    elif isinstance(given, Mapping) and len(given) == 1:
        name, written = next(iter(given.items()))
    else:
        found = f"{len(given)} of them" if isinstance(given, Mapping) else repr(given)
        return (
            "",
            {},
            [f"{where}: write one shape by its name, as in `sudden` or `{{linear: 4}}` (it says {found})"],
        )
    if name not in SHAPES:
        return "", {}, [f"{where}: no shape called {name!r}{did_you_mean(name, SHAPES)}"]
    function, here = SHAPES[name], f"{where}.{name}"
    fields = keywords(function)
    only = next(iter(fields)) if len(fields) == 1 else None
    if written is None:
        written = {}
    elif only and (not isinstance(written, Mapping) or (name == "steps" and only not in written)):
        try:
            return name, {only: adapter(fields[only][0]).validate_python(written)}, []
        except ValidationError as wrong:
            return name, {}, sentences(wrong, here, written)
    if not isinstance(written, Mapping):
        keys = ", ".join(fields) or "no parameters"
        return name, {}, [f"{here}: it takes {keys} (it says {written!r})"]
    values, problems = settings(function, written, here)
    return name, values, problems
