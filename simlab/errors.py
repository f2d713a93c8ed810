"""Everything simlab raises on purpose, and the exit code each mistake ends in.

::

    SimlabError                 1  a fault of simlab itself
    ├── UsageError              2  the command was used wrongly
    ├── ScenarioInvalid         3  the scenario cannot run; nothing ran
    ├── GateNotMet              4  `given:` did not hold; no live injection ran
    ├── EnvironmentProblem      7  disk, home, engines, data files
    │   ├── DataFileProblem     7  a dataset's file is missing or was altered
    │   └── EngineMissing       7  a third-party engine is not installed
    ├── StageFailed             8  a stage failed for good
    └── LogBroken               1  a log's chain does not verify
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SimlabError(Exception):
    """Something simlab says on purpose, in words for a person."""

    exit_code = 1


class UsageError(SimlabError):
    """The command was used in a way it does not offer."""

    exit_code = 2


class ScenarioInvalid(SimlabError):
    """A scenario file cannot run; each problem names its place and what would be right."""

    exit_code = 3

    def __init__(self, file: str, problems: Iterable[str]):
        self.file = file
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{file}{'' if p.startswith(':') else ': '}{p}" for p in self.problems))

    def __reduce__(self) -> tuple[type[ScenarioInvalid], tuple[str, tuple[str, ...]]]:
        return type(self), (self.file, self.problems)  # so that it crosses from one process to another


class GateNotMet(SimlabError):
    """The built model did not meet the scenario's `given:`."""

    exit_code = 4


class EnvironmentProblem(SimlabError):
    """The machine, not the scenario, is in the way: disk, permissions, a held lock."""

    exit_code = 7


class DataFileProblem(EnvironmentProblem):
    """A dataset's file is missing, unreadable or not the one its card describes."""


class EngineMissing(EnvironmentProblem):
    """A third-party engine is not installed."""


class StageFailed(SimlabError):
    """A stage failed for good and no expectation covers it."""

    exit_code = 8

    def __init__(self, stage: str, window: int | None, why: str):
        self.stage, self.window, self.why = stage, window, why
        where = "before the first window" if window is None else f"in window {window}"
        super().__init__(f"stage {stage} failed {where}: {why}")

    def __reduce__(self) -> tuple[type[StageFailed], tuple[str, int | None, str]]:
        return type(self), (self.stage, self.window, self.why)


class LogBroken(SimlabError):
    """A log's chain does not verify: a byte changed, a line is missing, or the tail was cut."""


MOST_NAMES = 60
"""Right names that a message lists at most, where none is near: a folder's, but not a run's alarms."""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """The nearest right name, as the end of an error message.

    >>> did_you_mean('colum', ['column', 'by'])
    "; did you mean 'column'?"
    >>> did_you_mean('zzz', ['column', 'by'])
    "; it takes 'by', 'column'"
    """
    names = sorted(known)
    near = get_close_matches(str(word), names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    if not names:
        return "; it takes no keys"
    shown = ", ".join(map(repr, names[:MOST_NAMES]))
    return f"; it takes {shown}" + (f" and {len(names) - MOST_NAMES} more" if names[MOST_NAMES:] else "")
