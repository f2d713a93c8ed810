"""What every expectation keeps to; a new function in the table is found and held to it."""

from __future__ import annotations

import inspect
from datetime import datetime
from typing import Any, get_args, get_origin

import pytest

from simlab.events import RunStarted
from simlab.expect import Account, expectations, judge
from simlab.scenario import Clock, Injection, Scenario
from simlab.signature import first_line, keywords

SCENARIO = Scenario(
    simlab=1, title="t", dataset="d", clock=Clock(start=datetime(2026, 1, 5), windows=9),
    inject=(Injection(id="it", kind="shift_column", start=3),),
)  # fmt: skip
KNOWN = sorted(expectations())


def a_value(name: str, annotation: Any) -> Any:
    """Something that may stand for a required key."""
    if get_origin(annotation) is not None and hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    return {"injection": "it", "metric": "monitor.auc", "stage": "train"}.get(
        name, 1 if annotation in (int, float) else "*"
    )


@pytest.mark.parametrize("name", KNOWN)
def test_it_says_in_a_sentence_what_it_expects(name: str) -> None:
    function = expectations()[name]
    assert function.__name__ == name and first_line(function).endswith(".")
    parameters = list(inspect.signature(function).parameters.values())
    assert parameters[0].name == "account"
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters[1:])


@pytest.mark.parametrize("name", KNOWN)
def test_a_run_that_said_nothing_is_judged_with_a_reason(name: str) -> None:
    given = {
        k: a_value(k, kind) for k, (kind, default) in keywords(expectations()[name]).items() if default is ...
    }
    started = RunStarted(
        scenario="s",
        title="t",
        dataset="d",
        dataset_digest="",
        problem="binary",
        seed={},
        windows=9,
        rows=1,
        step_seconds=1,
    )
    for events in ([], [started]):
        (verdict,) = judge(Account(SCENARIO, events), [{name: given}])
        assert verdict.expectation.startswith(f"{name}: {{")
        assert verdict.why.strip() and "\n" not in verdict.why
        assert verdict.held is False, "an expectation that holds of nothing cannot fail"
