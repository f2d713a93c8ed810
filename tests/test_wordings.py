"""Every text that nobody could confirm stands in one table, with what vouches for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import simlab
from simlab.wordings import DESCRIPTIONS, FAILURES, NAMESPACES, RULES, SUBJECTS, described

FIGURES = {"expected": "Integral", "match": 100.0, "observed": 50.0, "value": 0.5, "threshold": 0.1, "current": 2, "baseline": 3, "metric": "f1", "deviation": 0.1, "operator": "x"}  # fmt: skip


@pytest.mark.parametrize("check", DESCRIPTIONS)
def test_a_description_is_whole_and_says_where_it_comes_from(check: str) -> None:
    said = described(check, **FIGURES)
    assert "{" not in said and said.strip()
    assert DESCRIPTIONS[check].why


def test_aws_s_own_sample_can_read_a_drift() -> None:
    found = re.search("distance: (.+) exceeds threshold: (.+)", described("baseline_drift_check", value=0.63, threshold=0.1))  # fmt: skip
    assert found is not None and found.groups() == ("0.63", "0.1")


def test_the_texts_stand_nowhere_else() -> None:
    texts = [t for table in (DESCRIPTIONS, SUBJECTS, FAILURES, NAMESPACES, RULES) for t in table.values()]
    beginnings = {re.split("[{:]", text.words)[0].strip()[:30] for text in texts if text.mark != "own"}
    for file in Path(simlab.__file__).parent.rglob("*.py"):
        if file.name == "wordings.py":
            continue
        body = file.read_text()
        assert not [words for words in beginnings if words and len(words) > 12 and words in body], file
