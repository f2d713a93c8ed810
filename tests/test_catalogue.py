"""What a scenario may name is read from the folders and the docstrings."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlab.catalogue import LISTS, catalogue, describe, starter
from simlab.checking import check
from simlab.dataset import find_dataset
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


def test_a_generated_dataset_shows_its_rule_and_the_keys_that_may_change() -> None:
    found = describe("sea")
    assert found["kind"] == "dataset" and "(synthetic" in found["text"]
    assert "att1 + att2 > threshold" in found["text"] and "threshold: 8 here" in found["text"]
    assert tuple(entry["name"] for entry in catalogue("generators")["generators"]) == names("generators")
    says = {entry["name"]: entry["says"] for entry in catalogue("datasets")["datasets"]}
    assert "(synthetic)" in says["sea"] and "(synthetic)" not in says["adult-income"]


def test_a_dataset_without_a_numeric_column_has_a_starter_too(tmp_path: Path) -> None:
    assert "completeness:size" in starter("mine", "stagger", tmp_path).read_text()


def test_a_replay_begins_where_the_card_says_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "start: 1985-01-01, step: 26w" in starter("mine", "portal-rodents", tmp_path).read_text()
    bare = tmp_path / "datasets/bare"
    bare.mkdir(parents=True)
    card = (find_dataset("bikeshare") / "card.yaml").read_text()
    (bare / "card.yaml").write_text(card.replace("replay: {start: 2011-07-01}\n", ""))
    monkeypatch.setenv("SIMLAB_DATASETS", str(bare.parent))
    with pytest.raises(UsageError, match="where a replay may begin"):
        starter("bare", "bare", tmp_path)
