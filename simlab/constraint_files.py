"""Files of constraints: found in a run or by path, shown, edited into a new version, compared."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simlab.errors import UsageError, did_you_mean
from simlab.model_monitor.constraints import (
    Constraints,
    FeatureConstraints,
    as_body,
    read_constraints,
    rules,
)
from simlab.model_monitor.edits import Difference, differences, edited
from simlab.wire import as_json

_VERSION = re.compile(r"(?P<stem>.*?)(?:\.v(?P<number>\d+))?\.json")


def read_file(path: Path) -> Constraints:
    """The constraints in a file.

    Raises
    ------
    UsageError
        It is not there, or holds none.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        near = [p.name for p in path.parent.glob("*.json")] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, near) if near else ""
        raise UsageError(f"{path}: there is no such file{hint}") from None
    except OSError as wrong:
        raise UsageError(f"{path}: cannot be read: {wrong.strerror}") from wrong
    return read_constraints(text, str(path))


def baselines_in(folder: Path) -> dict[str, Path]:
    """The constraints of a run's schedules, by `v1/SCHEDULE`; those of other monitors are left out."""
    found = {}
    for path in sorted((folder / "monitoring/baselines").glob("v*/*/constraints.json")):
        try:
            read_constraints(path.read_bytes(), str(path))
        except UsageError:
            continue  # model quality's file has the same name and other keys
        found[f"{path.parent.parent.name}/{path.parent.name}"] = path
    return found


def chosen(found: Mapping[str, Path], schedule: str | None, run: str) -> Path:
    """The one file that is meant among a run's; of several versions of a schedule the newest.

    Parameters
    ----------
    found
        Files by `v1/SCHEDULE`.
    schedule
        Which schedule; None where there is one only.
    run
        The run's name, for messages.

    Raises
    ------
    UsageError
        There is none, or more than one schedule could be meant.
    """
    if not found:
        raise UsageError(
            f"{run} has no constraints of a data-quality monitor; schedule one under stages.monitor.schedules"
        )
    names = sorted({name.partition("/")[2] for name in found})
    if schedule is None and len(names) > 1:
        raise UsageError(f"{run} has several schedules; --schedule says which: {', '.join(names)}")
    wanted = schedule or names[0]
    if wanted not in names:
        raise UsageError(f"{run} has no schedule {wanted!r} with constraints{did_you_mean(wanted, names)}")
    versions = [name for name in found if name.partition("/")[2] == wanted]
    return found[max(versions, key=lambda name: int(name.partition("/")[0][1:]))]


COLUMNS = ("feature", "type", "completeness", "values", "drift", "own rules")


def as_rows(constraints: Constraints) -> list[tuple[str, ...]]:
    """A table of the constraints for a person: one row per feature, in the columns of `COLUMNS`."""
    return [_row(constraints, feature) for feature in constraints.features]


def _row(constraints: Constraints, feature: FeatureConstraints) -> tuple[str, ...]:
    settled = rules(constraints, feature)
    values = []
    if settled.datatype < 1:
        values.append(f"{settled.datatype:.1%} of the type")
    if feature.num_constraints and feature.num_constraints.is_non_negative:
        values.append("not negative")
    domain = feature.string_constraints.domains if feature.string_constraints else None
    if domain is not None:
        shown = ", ".join(domain[:3]) + (", …" if len(domain) > 3 else "")
        share = "" if settled.domain == 1 else f"{settled.domain:.1%} "
        values.append(f"{share}in {len(domain)}: {shown}")
    if not settled.evaluate:
        drift = "not checked"
    elif not settled.compare:
        drift = "off"
    elif feature.inferred_type == "String":
        how = "chi-squared, p <" if settled.chi_squared else f"L-inf {_method(settled.robust)} >"
        drift = f"{how} {settled.categorical_threshold:g}"
    else:
        drift = f"L-inf {_method(settled.robust)} > {settled.threshold:g}"
    own = ", ".join(key for override in feature.overrides for key in override.model_dump(exclude_unset=True))
    complete = "" if feature.completeness is None else f"{feature.completeness:g}"
    return feature.name, feature.inferred_type, complete, "; ".join(values), drift, own


def _method(robust: bool) -> str:
    return "robust" if robust else "simple"


def next_version(path: Path) -> Path:
    """Where the next version of a file goes: `constraints.v2.json` beside `constraints.json`.

    >>> next_version(Path("nowhere/constraints.json")).name
    'constraints.v2.json'
    """
    stem = _version(path)[0]
    taken = [
        _version(other)[1]
        for other in (path.parent.glob("*.json") if path.parent.is_dir() else ())
        if _version(other)[0] == stem
    ]
    return path.with_name(f"{stem}.v{max([*taken, _version(path)[1]]) + 1}.json")


def _version(path: Path) -> tuple[str, int]:
    found = _VERSION.fullmatch(path.name)
    return (found["stem"], int(found["number"] or 1)) if found else (path.name, 1)


def edit(source: Path, edits: Mapping[str, Any], out: Path | None) -> tuple[Path, list[Difference]]:
    """Write a new version of a file of constraints; where it went, and what it changes.

    The file it was made of stays as it is. `constraints.history.json` beside the new one says of every
    version which file it was made of and what was changed; the files themselves stay the service's own.

    Parameters
    ----------
    source
        The file to start from.
    edits
        Values by path, as `simlab.model_monitor.edits.edited` takes them.
    out
        Where the new version goes; beside the file with the next number when left out.

    Raises
    ------
    UsageError
        A path or a value is wrong, nothing would change, or there is a file already where it would go.
    """
    before = read_file(source)
    after = edited(before, edits, str(source))
    changed = differences(before, after)
    if not changed:
        raise UsageError(f"{source}: nothing changes: every value is there already")
    target = out or next_version(source)
    if target.exists():
        raise UsageError(f"{target}: there is a file already, and versions are not overwritten")
    told = {"file": target.name, "of": source.name, "changed": [str(change) for change in changed]}
    kept = target.with_name(f"{_version(target)[0]}.history.json")
    try:
        earlier = json.loads(kept.read_bytes())["versions"] if kept.exists() else []
        target.write_bytes(as_json(as_body(after)))
        kept.write_bytes(as_json({"versions": [*earlier, told]}))
    except OSError as wrong:
        raise UsageError(f"{wrong.filename}: cannot be written: {wrong.strerror}") from wrong
    except (ValueError, KeyError, TypeError) as wrong:
        raise UsageError(f"{kept}: is no history of constraints; move it away") from wrong
    return target, changed


def compare(one: Path, other: Path) -> list[Difference]:
    """What differs between two files."""
    return differences(read_file(one), read_file(other))
