"""What a scenario may name is read from the folders and the docstrings."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab.catalogue import LISTS, catalogue, describe, starter
from simlab.checking import check
from simlab.errors import UsageError
from simlab.signature import keywords, names
from simlab.stages import STAGES


def test_lists_follow_the_folders() -> None:
    found = {name: [entry["name"] for entry in entries] for name, entries in catalogue().items()}
    assert set(found) == set(LISTS)
    assert tuple(found["injectors"]) == names("injectors")
    assert found["stages"] == [row.name for row in STAGES]
    assert "quiet-world" in found["scenarios"] and "adult-income" in found["datasets"]


def test_every_entry_says_something_in_one_sentence() -> None:
    for name, entries in catalogue().items():
        for entry in entries:
            assert entry["says"].strip() and "\n" not in entry["says"], (name, entry)


def test_a_name_is_explained_with_its_keys() -> None:
    from simlab.injectors.shift_column import shift_column

    found = describe("shift_column")
    assert found["kind"] == "injector" and found["keys"] == sorted(keywords(shift_column))
    assert "column: required" in found["text"] and "by: default 0.0" in found["text"]
    monitor = describe("monitor")
    assert "on AWS" in monitor["kind"] and "detectors" in monitor["keys"]
    assert "capital_gain" in describe("adult-income")["text"]


def test_a_name_nobody_has_is_told() -> None:
    with pytest.raises(UsageError, match="did you mean 'shift_column'"):
        describe("shift_columm")
    with pytest.raises(UsageError, match="did you mean 'detectors'"):
        catalogue("detector")


@pytest.mark.parametrize(
    "dataset",
    ["adult-income", "bikeshare", "nyc-flights", "portal-rodents", "agrawal", "stagger", "friedman"],
)
def test_a_starter_can_run_and_overwrites_nothing(dataset: str, tmp_path: Path) -> None:
    path = starter("mine", dataset, tmp_path / "deep")
    assert check(path).scenario.name == "mine"
    before = path.read_text()
    with pytest.raises(UsageError, match="exists already"):
        starter("mine.yaml", dataset, tmp_path / "deep")
    assert path.read_text() == before
