"""Scenarios that come with simlab, found by name or by path."""

from __future__ import annotations

from pathlib import Path

from simlab.errors import ScenarioInvalid, did_you_mean


def scenario_folders() -> tuple[Path, ...]:
    """Where scenarios are looked for by name: the working folder's, then the ones beside the package."""
    here = Path(__file__).parent
    return tuple(f for f in (Path("scenarios"), here.parent / "scenarios", here / "_scenarios") if f.is_dir())


def scenario_names() -> dict[str, Path]:
    """Every shipped scenario by name."""
    found: dict[str, Path] = {}
    for folder in scenario_folders():
        for file in sorted(folder.glob("*.yaml")):
            found.setdefault(file.stem, file)
    return found


def find_scenario(given: Path) -> Path:
    """A scenario file by path, or a shipped one by its name.

    Raises
    ------
    ScenarioInvalid
        There is neither; the message says the nearest right name.
    """
    try:
        if given.exists():
            return given
    except OSError as wrong:  # a name that no file can have
        raise ScenarioInvalid(str(given), [f"cannot be read: {wrong.strerror}"]) from wrong
    known = scenario_names()
    name = given.name.removesuffix(".yaml")
    if str(given) in (name, f"{name}.yaml") and name in known:
        return known[name]
    raise ScenarioInvalid(
        str(given),
        [f"there is no such file, and no shipped scenario of that name{did_you_mean(name, known)}"],
    )
