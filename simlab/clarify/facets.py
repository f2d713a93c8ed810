"""Facets: which rows belong to the group that might be treated worse, and what that group is called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, PlainValidator, WithJsonSchema

from simlab.artifacts import Schema
from simlab.errors import SimlabError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

UNIQUE = 0.05
"""A column of whole numbers with at least this share of different values is continuous (smclarify)."""

MOST = 1000
"""Values of a facet or of a group variable beyond which it is told to be a mistake."""


@dataclass(frozen=True)
class Threshold:
    """A group of numbers: those above a threshold."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    threshold: float


def _facet(given: Any) -> Any:
    """A facet as a person writes it.

    >>> _facet({"threshold": 40}), _facet("Female"), _facet(["Black", "Other"])
    (Threshold(threshold=40.0), ('Female',), ('Black', 'Other'))
    """
    if given is None or isinstance(given, Threshold):
        return given
    if isinstance(given, Mapping):
        for key in given:
            if key != "threshold":
                raise ValueError(f"no key called {key!r}{did_you_mean(key, ['threshold'])}")
        threshold = given.get("threshold")
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or threshold != threshold:
            raise ValueError(f"a threshold is a number, as in {{threshold: 40}}, not {threshold!r}")
        return Threshold(float(threshold))
    values = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    for value in values:
        if not isinstance(value, (bool, int, float, str)):
            raise ValueError(f"a group is a value, a list of values, or {{threshold: 40}}; not {value!r}")
    return values


Facet = Annotated[
    Threshold | tuple[bool | int | float | str, ...] | None,
    PlainValidator(_facet),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["null", "string", "number", "boolean"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1},
                {
                    "type": "object",
                    "properties": {"threshold": {"type": "number"}},
                    "required": ["threshold"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
"""A threshold, the values that together are one group, or None for each value against all others."""

Facets = Mapping[str, Facet]
"""Facets by column."""


def sensitive(schema: Schema) -> dict[str, Facet]:
    """Each value of the categorical columns that the dataset's card calls sensitive."""
    return {c.name: None for c in schema.features if c.sensitive and c.kind == "categorical"}


@dataclass(frozen=True)
class Split:
    """A column cut into groups; each is compared with all other rows, and no row is in two of them."""

    facet: str
    keys: tuple[str, ...]
    """What the groups are called where names must last: their values, or their threshold."""
    texts: tuple[str, ...]
    """What `analysis.json` calls them: their values, or an interval up to the column's maximum."""
    codes: np.ndarray
    """Each row's group, by place in `keys`; `len(keys)` for rows in none of them."""

    @cached_property
    def member(self) -> np.ndarray:
        """Who is in each group, [groups, rows]."""
        import numpy as np

        found: np.ndarray = self.codes == np.arange(len(self.keys))[:, None]
        return found


def text(value: object) -> str:
    """A value as the service writes it: whole numbers without a fraction.

    >>> text(40.0), text(0.5), text("Female"), text(True)
    ('40', '0.5', 'Female', 'True')
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def label_words(above: float | None, highest: float) -> tuple[str, str]:
    """What counts as positive, as `analysis.json` says it, and the same where names must last.

    Parameters
    ----------
    above
        In a regression, what positive labels lie above.
    highest
        The greatest label there is.

    >>> label_words(None, 1.0), label_words(0.5, 0.9)
    (('1', '1'), ('(0.5, 0.9]', '0.5'))
    """
    return ("1", "1") if above is None else (interval(above, max(above, highest)), text(above))


def interval(low: float, high: float, whole: bool = False) -> str:
    """An open-closed interval as the service writes it.

    Parameters
    ----------
    whole
        Whether the column holds whole numbers.

    >>> interval(0.5, 0.9936148802477393), interval(100, 2278), interval(40, 90, whole=True)
    ('(0.5, 0.9936148802477393]', '(100.0, 2278.0]', '(40, 90]')
    """
    if whole and float(low).is_integer() and float(high).is_integer():
        return f"({int(low)}, {int(high)}]"
    return f"({float(low)}, {float(high)}]"


_INTERVAL = re.compile(r"\((?P<low>[^,\]]+), (?P<high>[^,\]]+)\]")


def key_of(value: str) -> str:
    """The lasting name behind a group's text: an interval's threshold, since its end is only the data's.

    >>> key_of("(40, 90]"), key_of("(0.5, 0.99]"), key_of("Female")
    ('40', '0.5', 'Female')
    """
    found = _INTERVAL.fullmatch(value)
    if not found:
        return value
    try:
        return text(float(found["low"]))
    except ValueError:
        return value


def facet_of(values: Sequence[str]) -> Facet:
    """The facet that groups of a file stand for: an interval is a threshold, and commas join values.

    >>> facet_of(["(40, 90]"]), facet_of(["Black,Other"]), facet_of(["F", "M"])
    (Threshold(threshold=40.0), ('Black', 'Other'), None)
    """
    if len(values) != 1:
        return None
    if _INTERVAL.fullmatch(values[0]) and key_of(values[0]) != values[0]:
        return Threshold(float(key_of(values[0])))
    return tuple(values[0].split(","))


def settled(facets: Facets, groups: Mapping[str, Sequence[str]]) -> dict[str, Facet]:
    """Facets as a baseline file understood them: a single number is a threshold where the file says so.

    Which it is depends on how many different values a column has, and that of a few live rows says
    nothing. So it is decided once, on the baseline's rows, and read off its file ever after.

    Parameters
    ----------
    facets
        As a person wrote them.
    groups
        What the file calls the groups of each facet.

    >>> settled({"age": (40,), "job": (3,)}, {"age": ["(40, 90]"], "job": ["3"]})
    {'age': Threshold(threshold=40.0), 'job': (3,)}
    """
    found = dict(facets)
    for name, facet in facets.items():
        known = facet_of(groups.get(name, ()))
        if facet is not None and isinstance(known, Threshold):
            found[name] = known
    return found


def split(name: str, column: pa.ChunkedArray, facet: Facet, *, continuous: bool | None = None) -> Split:
    """Cut a column into the groups of a facet.

    A number column is continuous where it holds fractions, or where at least 5 % of its values are
    different; one number in a list is then a threshold, as on AWS. Everyone whose value is unknown is in
    no group, and so among everyone else.

    Parameters
    ----------
    name
        The column's name, for messages.
    continuous
        Whether numbers are, where that was decided before; else their values decide.

    Raises
    ------
    SimlabError
        A continuous column without a threshold; a threshold on texts; values of another kind.
    """
    import pyarrow as pa

    column = _plain(column)
    if _textual(column):
        if isinstance(facet, Threshold):
            raise SimlabError(f"facet {name}: a threshold needs numbers, and the column holds texts")
        return _categorical(name, column, facet)
    values = column.cast(pa.float64()).to_numpy()
    whole, looks_continuous = _kind(values)
    continuous = looks_continuous if continuous is None else continuous
    if isinstance(facet, Threshold):
        return _above(name, values, facet.threshold, whole)
    if facet is not None:
        numbers = _numbers(name, facet)
        if continuous and len(numbers) == 1:
            return _above(name, values, numbers[0], whole)
        return _listed(name, values, facet, numbers)
    if continuous:
        raise SimlabError(f"facet {name}: a continuous column needs a threshold, such as {{threshold: 40}}")
    return _each(name, values)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as its values: an encoded one without its dictionary."""
    import pyarrow as pa

    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _textual(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _kind(values: np.ndarray) -> tuple[bool, bool]:
    """Whether numbers are whole, and whether Clarify counts them as continuous."""
    import numpy as np

    known = values[~np.isnan(values)]
    whole = bool((known == np.floor(known)).all())
    return whole, not whole or (len(known) > 0 and len(np.unique(known)) / len(known) >= UNIQUE)


def _numbers(name: str, facet: tuple[object, ...]) -> list[float]:
    try:
        return [float(value) for value in facet]  # type: ignore[arg-type]
    except ValueError as wrong:
        raise SimlabError(f"facet {name}: the column holds numbers, and {wrong}") from wrong


def _above(name: str, values: np.ndarray, threshold: float, whole: bool) -> Split:
    import numpy as np

    codes = np.where(values > threshold, 0, 1)
    highest = float(np.nanmax(values)) if np.isfinite(values).any() else threshold
    return Split(name, (text(float(threshold)),), (interval(threshold, highest, whole),), codes)


def _listed(name: str, values: np.ndarray, facet: tuple[object, ...], numbers: list[float]) -> Split:
    import numpy as np

    said = ",".join(text(value) for value in facet)
    return Split(name, (said,), (said,), np.where(np.isin(values, numbers), 0, 1))


def _each(name: str, values: np.ndarray) -> Split:
    import numpy as np

    known, codes = np.unique(values, return_inverse=True)
    known = known[~np.isnan(known)]
    if len(known) > MOST:
        raise SimlabError(f"facet {name}: it has {len(known)} values; at most {MOST} can be groups")
    said = tuple(text(float(value)) for value in known)
    return Split(name, said, said, np.minimum(codes, len(known)))


def _categorical(name: str, column: pa.ChunkedArray, facet: Facet) -> Split:
    import numpy as np

    codes, known = coded(column)
    if facet is None:
        if len(known) > MOST:
            raise SimlabError(f"facet {name}: it has {len(known)} values; at most {MOST} can be groups")
        return Split(name, known, known, codes)
    assert not isinstance(facet, Threshold)
    wanted = [text(value) for value in facet]
    chosen = np.append(np.isin(np.array(known, object), wanted), False) if known else np.array([False])
    said = ",".join(wanted)
    return Split(name, (said,), (said,), np.where(chosen[codes], 0, 1))


def coded(column: pa.ChunkedArray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Each row's place among the sorted values of a text column, and the values; null is beyond them."""
    import numpy as np
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    order = sorted(range(len(values)), key=values.__getitem__)
    place = np.empty(len(values) + 1, np.int64)
    place[order], place[-1] = np.arange(len(values)), len(values)
    found = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    return place[found], tuple(values[i] for i in order)


def strata(column: pa.ChunkedArray | None, name: str, rows: int) -> tuple[np.ndarray, int]:
    """Each row's value of the group variable by number, and how many there are; unknown is one of them.

    Raises
    ------
    SimlabError
        It has more different values than a group variable has.
    """
    import numpy as np
    import pyarrow as pa

    if column is None:
        return np.zeros(rows, np.int64), 1
    column = _plain(column)
    if _textual(column):
        codes, known = coded(column)
        count = len(known) + 1
    else:
        values, codes = np.unique(column.cast(pa.float64()).to_numpy(), return_inverse=True)
        count = len(values)
    if count > MOST:
        raise SimlabError(f"group variable {name}: it has {count} values; at most {MOST} can be groups")
    return codes, max(count, 1)


def absent(name: str, column: pa.ChunkedArray, facet: Facet) -> Iterator[str]:
    """Named groups of a facet, or values of them, that no row of a column is in.

    >>> import pyarrow as pa
    >>> list(absent("sex", pa.chunked_array([["Female", "Male"]]), ("Femal",)))
    ["no row has the value 'Femal'; did you mean 'Female'?"]
    """
    column = _plain(column)
    if facet is None:
        return
    if _textual(column):
        known = coded(column)[1]
    else:
        made = split(name, column, facet)
        if _INTERVAL.fullmatch(made.texts[0]):
            if not made.member.any():
                yield f"no row is above {made.keys[0]}"
            return
        values = column.drop_null().unique().to_pylist()
        known = tuple(text(float(value)) for value in values)
    assert not isinstance(facet, Threshold)
    for value in facet:
        said = text(value) if _textual(column) else text(float(value))
        if said not in known:
            yield f"no row has the value {said!r}{did_you_mean(said, known)}"


def problems_in(
    facets: Facets, group_variable: str | None, columns: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """What is wrong with facets before any row is seen: the key, and a sentence.

    Parameters
    ----------
    columns
        The features there are, with their kind: numeric or categorical.
    """
    for name, facet in facets.items():
        if name not in columns:
            yield "facets", f"no column called {name!r}{did_you_mean(name, columns)}"
        elif isinstance(facet, Threshold) and columns[name] != "numeric":
            yield f"facets.{name}", "a threshold needs a numeric column"
        elif facet == ():
            yield f"facets.{name}", "write at least one value, or null for each value against all others"
    if group_variable is not None and group_variable not in columns:
        yield "group_variable", f"no column called {group_variable!r}{did_you_mean(group_variable, columns)}"
