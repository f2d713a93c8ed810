"""What every policy keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlab.artifacts import History, Measured
from simlab.signature import find, first_line, keywords, names

alarms = st.dictionaries(
    st.sampled_from(["data_quality:drift:age", "model_quality:quality:auc"]),
    st.sampled_from(["OK", "ALARM", "INSUFFICIENT_DATA"]),
)
measured = st.builds(
    Measured,
    window=st.integers(0, 50),
    version=st.just(1),
    figures=st.dictionaries(st.sampled_from(["log_loss", "estimated.log_loss", "mae"]), st.floats(0, 3)),
)
histories = st.builds(
    History,
    window=st.integers(-1, 200),
    alarms=alarms,
    labelled=st.lists(st.integers(0, 50), max_size=4).map(tuple),
    fresh_labels=st.integers(0, 20_000),
    measured=st.lists(measured, max_size=4).map(tuple),
    quality=st.dictionaries(st.sampled_from(["log_loss", "mae"]), st.floats(0, 3)),
    matched=st.dictionaries(st.sampled_from(["drifted", "worse"]), st.integers(0, 200)),
)


@pytest.mark.parametrize("name", names("policies"))
@given(history=histories)
def test_a_policy_says_why_or_nothing_and_always_the_same(name: str, history: History) -> None:
    policy = find("policies", name)
    said = policy(history)
    assert said is None or (isinstance(said, str) and said.strip())
    assert policy(history) == said


@pytest.mark.parametrize("name", names("policies"))
def test_a_policy_takes_a_history_and_settings_with_defaults(name: str) -> None:
    policy = find("policies", name)
    parameters = list(inspect.signature(policy).parameters.values())
    assert parameters[0].name == "history"
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in parameters[1:])
    assert all(default is not ... for _, default in keywords(policy).values())
    assert first_line(policy).endswith(".") and ">>>" in (inspect.getdoc(policy) or ""), (
        "an example that runs"
    )
