"""Errors cross from one process to another as they are."""

from __future__ import annotations

import inspect
import pickle  # what the standard library sends between processes; nothing of it is kept

import pytest

from simlab import errors
from simlab.errors import MOST_NAMES, did_you_mean

GIVEN = {"ScenarioInvalid": ("a.yaml", ("clock: wrong", ":3: worse")), "StageFailed": ("train", 3, "no rows")}
KINDS = [c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.SimlabError)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_says_in_one_process_what_it_said_in_another(kind: type[errors.SimlabError]) -> None:
    one = kind(*GIVEN.get(kind.__name__, ("what is wrong",)))
    other = pickle.loads(pickle.dumps(one))
    assert type(other) is kind and str(other) == str(one) and vars(other) == vars(one)


def test_a_message_lists_so_many_right_names_and_counts_the_others() -> None:
    said = did_you_mean("zzz", [f"{letter}{n}" for letter in "abcd" for n in range(20)])
    assert said.endswith("'c9' and 20 more") and said.count("'") == 2 * MOST_NAMES
