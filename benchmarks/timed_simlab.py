"""Run `simlab` and note, beside its own timings, what lies outside its stages.

`python timed_simlab.py NOTES.json run scenario.yaml --home …`: imports of engines, report and
projection are timed from outside, by wrapping the calls; the program itself is unchanged.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STARTED, USED = time.time(), time.process_time()


def noted(what: str, begun: float, used: float) -> dict[str, Any]:
    """A span of wall time, with the seconds of CPU that this process spent in it."""
    return {"what": what, "from": begun, "to": time.time(), "cpu": time.process_time() - used}


def main() -> int:
    """Run the command; its exit code."""
    notes: list[dict[str, Any]] = []
    open_calls: list[str] = []

    def timed(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            begun, used = time.time(), time.process_time()
            open_calls.append(what)
            try:
                return function(*given, **named)
            finally:
                open_calls.pop()
                if what not in open_calls:  # an engine that imports another counts once
                    notes.append(noted(what, begun, used))

        return called

    begun, used = time.time(), time.process_time()
    import simlab.engines
    from simlab import cli, lab

    notes.append(noted("import", begun, used))
    simlab.engines.import_module = timed("import", simlab.engines.import_module)  # type: ignore[attr-defined]
    for name, what in (("_report", "report"), ("_project", "mlflow"), ("_source", "world")):
        setattr(lab.Lab, name, timed(what, getattr(lab.Lab, name)))
    code = cli.main(sys.argv[2:])
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = {
        "notes": notes,
        "children": children.ru_utime + children.ru_stime,
        "cpu": time.process_time() - USED,
    }
    Path(sys.argv[1]).write_text(json.dumps({"started": STARTED, "ended": time.time(), **told}))
    return code


if __name__ == "__main__":
    sys.exit(main())
