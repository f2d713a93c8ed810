"""What people and machines get wrong: each a clear message, the right exit code, and nothing lost."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simlab.checking import check
from simlab.cli import main
from simlab.errors import ScenarioInvalid
from simlab.lab import Lab
from simlab.yamlfile import read_yaml

Facts = Callable[[Path], tuple[bytes, bytes]]
Told = Callable[..., tuple[int, str]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, unprojected: None) -> Told:
    """Run a command; its exit code and what it says on standard error."""

    def command(*given: object) -> tuple[int, str]:
        code = main([str(word) for word in given])
        caught = capsys.readouterr()
        assert "Traceback" not in caught.err + caught.out
        return code, caught.err

    return command


def refused(told: Told, path: Path, *words: str) -> None:
    """The scenario is refused with these words, before anything is written."""
    home = path.with_name("untouched")
    for verb in (["run", path, "--home", home], ["check", path]):
        code, said = told(*verb)
        assert code == 3, said
        for word in words:
            assert word in said, said
    assert not home.exists(), "nothing ran"


# --- files that are no scenario -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: [1, 2", ("tiny.yaml:2: not YAML",)),
        ("title: 'open", ("not YAML",)),
        ("a: b: c", ("tiny.yaml:1: not YAML",)),
        ("simlab: 1\n\ttitle: x\n", ("tiny.yaml:2: not YAML",)),
        ("simlab: 1\ntitle: a\ntitle: b\n", ("tiny.yaml:3: the file says 'title' twice",)),
        ("clock: {windows: 3, windows: 4}\n", ("tiny.yaml:1: clock says 'windows' twice",)),
        ("", ("tiny.yaml: the file is empty",)),
        ("# nothing\n", ("the file is empty",)),
        ("- simlab\n", ("the file holds a list",)),
        ("just words", ("the file holds a str",)),
        ("a: 1\n---\nb: 2\n", ("not YAML",)),
        ("a: !!python/object/apply:os.system ['true']", ("not YAML",)),
        ("a: *nobody", ("not YAML",)),
        ("a: &a [*a]", ("not YAML",)),
        ("? [a, b]\n: c", ("not YAML",)),
        ("clock: {start: 2026-02-30}", ("not YAML",)),
        ("1: x", ("1",)),
        ("[" * 3000, ("not YAML",)),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_scenario_is_refused(
    text: str, words: tuple[str, ...], tiny: Path, told: Told
) -> None:
    tiny.write_text(text)
    refused(told, tiny, *words)


@pytest.mark.parametrize(
    "junk", [b"\xff\xfe\x00t", b"title: \xe9\n", b"a: \x00\n", b"a: \x07\n", bytes(range(256))]
)
def test_a_file_that_is_no_text_is_refused(junk: bytes, tiny: Path, told: Told) -> None:
    tiny.write_bytes(junk)
    refused(told, tiny, "tiny.yaml")


def test_a_file_that_is_not_there_is_refused(tiny: Path, told: Told) -> None:
    refused(told, tiny.with_name("tinny.yaml"), "there is no such file")
    refused(told, tiny.parent, "this is a folder, not a file")
    refused(told, tiny / "inside", "there is no such file")
    code, said = told("check", "quiet-wurld")
    assert code == 3 and "did you mean 'quiet-world'?" in said
    code, said = told("check", "x" * 5000)
    assert code == 3 and "File name too long" in said


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_no_text_makes_it_stumble(text: str) -> None:
    from simlab.scenario import from_content
    from simlab.yamlfile import parse_yaml

    with pytest.raises(ScenarioInvalid):
        from_content(parse_yaml(text, "any.yaml")[0], Path("any.yaml"))


# --- scenarios that cannot be -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": "adult-incom"}, ("dataset", "did you mean 'adult-income'?")),
        ({"dataset": "../adult-income"}, ("no dataset called",)),
        ({"clock.windows": 0}, ("clock.windows", "greater than or equal to 1")),
        ({"clock.windows": -3}, ("clock.windows",)),
        ({"clock.windows": "many"}, ("clock.windows", "'many'")),
        ({"clock.windows": 2.5}, ("clock.windows",)),
        ({"clock.windows": 10**9}, ("clock.windows",)),
        ({"clock.rows": 0}, ("clock.rows",)),
        ({"clock.step": 0}, ("clock", "step must be longer than nothing")),
        ({"clock.step": "-1d"}, ("clock.step", "is not a duration")),
        ({"clock.step": "3 moons"}, ("clock.step", "'3 moons' is not a duration")),
        ({"clock.step": "5000w", "clock.windows": 99999}, ("year 9999",)),
        ({"clock.step": "9" * 30 + "d"}, ("clock.step",)),
        ({"clock.start": "yesterday"}, ("clock.start",)),
        ({"seed": -1}, ("seed",)),
        ({"seed": "seven"}, ("seed",)),
        ({"world.training": 0}, ("world.training",)),
        ({"world.training": float("inf")}, ("world.training",)),
        ({"world.training": float("nan")}, ("world.training",)),
        ({"world.order": "replay"}, ("world.order", "no clock of its own")),
        ({"world.training_from": "2025-01-01"}, ("world.training_from",)),
        ({"labels.share": 1.5}, ("labels.share",)),
        ({"labels.delay": "soon"}, ("labels.delay", "is not a duration")),
        ({"stages.trian": {}}, ("stages: no stage called 'trian'; did you mean 'train'?",)),
        ({"stages.train.round": 5}, ("stages.train: no key called 'round'; did you mean 'rounds'?",)),
        ({"stages.train.rounds": 0}, ("stages.train.rounds",)),
        ({"stages.train.rounds": "lots"}, ("stages.train.rounds",)),
        ({"stages.train.algorithm": "forest"}, ("stages.train.algorithm",)),
        ({"stages.train.fixed": {"objective": "poisson"}}, ("no exact exporter",)),
        ({"stages.tune.metric": "mae"}, ("stages.tune.metric", "not measured in a binary problem")),
        ({"stages.monitor.detectors.numeric": "wassertein"}, ("did you mean 'wasserstein'?",)),
        ({"stages.monitor.detectors.numeric": "chisquare"}, ("does not work on numeric columns",)),
        ({"stages.monitor.detectors": {"numerical": "psi"}}, ("stages.monitor.detectors", "numerical")),
        ({"stages.monitor.alarm": {"datapoints": 4, "of": 3}}, ("4 of 3 datapoints can never breach",)),
        ({"stages.monitor.ignore": ["agge"]}, ("did you mean 'age'?",)),
        (
            {"stages.explain": {"pdp": {"features": ["agge"]}}},
            ("stages.explain.pdp.features", "did you mean 'age'?"),
        ),
        ({"stages.explain": {"pdp": {"top_k": 3}}}, ("stages.explain.pdp", "no key called 'top_k'")),
        ({"stages.retrain.policy": "onalarm"}, ("did you mean 'on_alarm'?",)),
        ({"stages.retrain.policy": {"every": {"window": 3}}}, ("did you mean 'windows'?",)),
        ({"stages.retrain.policy": {"every": {}, "never": {}}}, ("write one policy by its name",)),
        ({"stages.features.test": 0.95}, ("leave at least a tenth to train on",)),
        ({"stages.features": 5}, ("stages.features",)),
        ({"expect": [{"rows_servd": {}}]}, ("did you mean 'rows_served'?",)),
        ({"expect": [{"rows_served": {"at_leest": 5}}]}, ("did you mean 'at_least'?",)),
        ({"expect": [{"rows_served": {}}]}, ("the key 'at_least' is missing",)),
        (
            {"expect": [{"rows_served": {"at_least": 1}, "retrained": {}}]},
            ("write one expectation by its name",),
        ),
        (
            {"expect": [{"alarm_within": {"injection": "ghost", "windows": 1}}]},
            ("no injection with id 'ghost'",),
        ),
        ({"expect": [{"no_alarm_before": {"window": 99}}]}, ("window 99 never comes",)),
        (
            {"expect": [{"metric_above": {"metric": "monitor.aux", "value": 1}}]},
            ("did you mean 'monitor.auc'?",),
        ),
        ({"expect": "everything"}, ("expect",)),
        ({"given": {"a": 1}}, ("given",)),
        ({"simlab": 2}, ("simlab",)),
        ({"title": ""}, ("title",)),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, dict) else "",
)
def test_a_scenario_that_cannot_be_is_refused(
    change: dict[str, Any], words: tuple[str, ...], tiny: Path, told: Told
) -> None:
    content = yaml.safe_load(tiny.read_text())
    for key, value in change.items():
        here = content
        *parts, last = key.split(".")
        for part in parts:
            here = here.setdefault(part, {})
        here[last] = value
    tiny.write_text(yaml.safe_dump(content, sort_keys=False))
    refused(told, tiny, "tiny.yaml", *words)


@pytest.mark.parametrize(
    ("injection", "words"),
    [
        ({"start": 4}, ("inject[0].start: window 4 never comes; the scenario has windows 0 to 3",)),
        ({"start": -1}, ("inject[0].start",)),
        ({"start": 2, "end": 2}, ("ends in window 2, which is not after its start in window 2",)),
        ({"start": 2, "end": 1}, ("not after its start",)),
        ({"id": "two words"}, ("inject[0].id",)),
        ({"kind": "shift_colum"}, ("did you mean 'shift_column'?",)),
        ({"kind": "os.system"}, ("inject[0]",)),
        ({"kind": "nosuch.package.thing"}, ("cannot import",)),
        (
            {"with": {"colum": "age", "by": 1}},
            ("inject[0].with: no key called 'colum'; did you mean 'column'?",),
        ),
        ({"with": {"column": "agee", "by": 1}}, ("did you mean 'age'?",)),
        ({"with": {"column": "sex", "by": 1}}, ("needs a numeric column",)),
        ({"with": {"column": "age", "by": float("nan")}}, ("inject[0].with.by",)),
        ({"with": {"by": 1}}, ("the key 'column' is missing",)),
        ({"shape": "suden"}, ("did you mean 'sudden'?",)),
        ({"shape": {"linear": 0}}, ("inject[0].shape",)),
        ({"on": "dead"}, ("inject[0].on",)),
        ({"on": "labels"}, ("acts on",)),
        ({"on": "ops"}, ("which no stage exposes",)),
        ({"where": "agee > 3"}, ("inject[0].where",)),
        ({"where": "age >"}, ("inject[0].where",)),
        ({"where": "1; DROP TABLE x"}, ("inject[0].where",)),
        ({"fraction": 2}, ("inject[0].fraction",)),
        ({"frction": 1}, ("did you mean 'fraction'?",)),
    ],
    ids=lambda value: repr(value)[:50] if isinstance(value, dict) else "",
)
def test_an_injection_that_cannot_be_is_refused(
    injection: dict[str, Any], words: tuple[str, ...], tiny: Path, told: Told
) -> None:
    content = yaml.safe_load(tiny.read_text())
    good = {"id": "older", "kind": "shift_column", "with": {"column": "age", "by": 1.0}}
    tiny.write_text(yaml.safe_dump({**content, "inject": [{**good, **injection}]}, sort_keys=False))
    refused(told, tiny, "tiny.yaml", *words)


def test_two_injections_of_one_id_are_refused(tiny: Path, told: Told) -> None:
    content = yaml.safe_load(tiny.read_text())
    good = {"id": "older", "kind": "shift_column", "with": {"column": "age", "by": 1.0}}
    tiny.write_text(yaml.safe_dump({**content, "inject": [good, good]}))
    refused(told, tiny, "inject[1].id: 'older' is taken by inject[0]")


def test_every_mistake_is_told_at_once_with_its_line(tiny: Path, told: Told) -> None:
    text = tiny.read_text().replace("trials: 0", "trails: 0").replace("rounds: 10", "rounds: none")
    tiny.write_text(text.replace("rows_served", "rows_serfed"))
    lines = {
        word: text[: text.index(word)].count("\n") + 1 for word in ("tune:", "train: {rounds", "rows_served")
    }
    code, said = told("check", tiny)
    assert code == 3
    for line, words in zip(lines.values(), ("'trails'", "stages.train.rounds", "'rows_serfed'"), strict=True):
        assert any(
            said_line.startswith(f"tiny.yaml:{line}: ") and words in said_line
            for said_line in said.splitlines()
        ), said


@pytest.mark.parametrize("training", [48_842, 10**7])
def test_a_world_without_rows_left_for_traffic_is_refused(
    training: int, tiny: Path, warm: Lab, told: Told
) -> None:
    code, said = told("run", tiny, "--home", warm.home, "--set", f"world.training={training}")
    assert code == 3, said
    assert "world.training" in said


@pytest.mark.parametrize("start", ["1999-01-01", "2031-01-01"])
def test_a_replay_outside_the_datas_own_time_is_refused(
    start: str, tiny: Path, warm: Lab, told: Told
) -> None:
    content = yaml.safe_load(tiny.read_text())
    content |= {"dataset": "bikeshare", "world": {"order": "replay"}, "given": [], "expect": []}
    content["clock"]["start"] = start
    tiny.write_text(yaml.safe_dump(content))
    code, said = told("run", tiny, "--home", warm.home)
    assert code == 3, said
    assert "clock.start" in said


# --- unknown keys at every level ----------------------------------------------------------------


def every_mapping(content: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every mapping of a scenario whose keys mean something, with its place."""
    found = []
    if isinstance(content, dict):
        if path.endswith((".mutants", ".fixed")):
            return []
        found.append((path, content))
        for key, value in content.items():
            found += every_mapping(value, f"{path}.{key}")
    elif isinstance(content, list):
        for number, value in enumerate(content):
            found += every_mapping(value, f"{path}[{number}]")
    return found


SHIPPED = sorted((Path(__file__).parent.parent / "scenarios").glob("*.yaml"))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_an_unknown_key_anywhere_is_refused(data: st.DataObject, tmp_path: Path) -> None:
    file = data.draw(st.sampled_from(SHIPPED))
    content, _ = read_yaml(file)
    place, mapping = data.draw(st.sampled_from(every_mapping(content)))
    key = data.draw(
        st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=8), label="key"
    )
    old = data.draw(st.none() | st.sampled_from(sorted(mapping))) if mapping else None
    if key in mapping:
        key += "x"
    if old is not None:  # a misspelt key rather than a further one
        key = old[:-1] if len(old) > 1 and old[:-1] not in mapping else old + key
        mapping[key] = mapping.pop(old)
    else:
        mapping[key] = 1
    path = tmp_path / "mutated.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(ScenarioInvalid) as wrong:
        check(path)
    assert key in str(wrong.value), f"{place}: {wrong.value}"


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_a_value_of_any_other_kind_is_checked_never_stumbled_over(
    data: st.DataObject, tmp_path: Path
) -> None:
    content, _ = read_yaml(data.draw(st.sampled_from(SHIPPED)))
    _, mapping = data.draw(st.sampled_from([m for m in every_mapping(content) if m[1]]))
    key = data.draw(st.sampled_from(sorted(mapping)))
    junk = st.sampled_from(
        [
            None,
            True,
            -1,
            0,
            10**30,
            1e308,
            float("nan"),
            float("inf"),
            "",
            "x",
            "~",
            [],
            {},
            [[]],
            {"a": {}},
            [None],
            {1: 2},
        ]
    )
    mapping[key] = data.draw(junk)
    path = tmp_path / "mutated.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    try:
        check(path)
    except ScenarioInvalid as wrong:
        assert "mutated.yaml" in str(wrong)


# --- data files ---------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the dataset that may be damaged."""
    shutil.copytree(
        Path(__file__).parent.parent / "datasets" / "adult-income", tmp_path / "data" / "adult-income"
    )
    monkeypatch.setenv("SIMLAB_DATASETS", str(tmp_path / "data"))
    return tmp_path / "data" / "adult-income"


@pytest.mark.parametrize("harm", ["missing", "altered", "cut", "a folder"])
def test_a_data_file_that_is_not_the_cards_is_refused(
    harm: str, copied: Path, tiny: Path, warm: Lab, told: Told
) -> None:
    file = copied / "adult_income.parquet"
    whole = file.read_bytes()
    file.unlink()
    if harm == "altered":
        file.write_bytes(whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:])
    elif harm == "cut":
        file.write_bytes(whole[:-10])
    elif harm == "a folder":
        file.mkdir()
    code, said = told("run", tiny, "--home", warm.home)
    assert code == 7, said
    assert "adult_income.parquet" in said
    assert ("SHA-256" if harm in ("altered", "cut") else "cannot be read") in said
    # Mended, the same run goes on.
    shutil.rmtree(copied)
    shutil.copytree(Path(__file__).parent.parent / "datasets" / "adult-income", copied)
    assert told("run", tiny, "--home", warm.home, "--resume")[0] == 0
    assert [record["run"] for record in warm.runs()] == ["tiny-001"]


def test_a_card_with_a_mistake_is_told_as_one(copied: Path, tiny: Path, told: Told) -> None:
    card = copied / "card.yaml"
    card.write_text(card.read_text().replace("problem: binary", "problem: binari"))
    refused(told, tiny, "card.yaml", "problem")


# --- homes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["a file", "under a file", "/proc/simlab", "runs is a file"])
def test_a_home_that_cannot_be_written_is_told(where: str, tiny: Path, tmp_path: Path, told: Told) -> None:
    blocked = tmp_path / "blocked"
    home = {"a file": blocked, "under a file": blocked / "home", "runs is a file": tmp_path / "home"}.get(
        where, Path(where)
    )
    blocked.write_text("precious")
    if where == "runs is a file":
        home.mkdir()
        (home / "runs").write_text("precious")
    code, said = told("run", tiny, "--home", home)
    assert code == 7, said
    assert str(home) in said
    assert blocked.read_text() == "precious"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_home_without_permission_is_told(tiny: Path, tmp_path: Path, told: Told) -> None:
    home = tmp_path / "locked"
    home.mkdir(mode=0o500)
    code, said = told("run", tiny, "--home", home)
    assert (code, "permission denied" in said) == (7, True), said


# --- full disks ---------------------------------------------------------------------------------


def process(*given: object, limit: int | None = None, before: str = "") -> subprocess.CompletedProcess[str]:
    """A command as a process of its own, perhaps with a largest file size in bytes."""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "simlab", *map(str, given)],
        capture_output=True, text=True, timeout=300, preexec_fn=limited, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "limit",
    [20_000, pytest.param(3_000, marks=pytest.mark.slow), pytest.param(60_000, marks=pytest.mark.slow)],
)
def test_a_file_that_may_not_grow_ends_the_run_without_loss(
    limit: int, eventful: Path, tmp_path: Path, warm: Lab, facts: Facts
) -> None:
    # The kernel refuses a write beyond the limit much as it does on a full disk.
    expected = facts(warm.run(eventful, project=False).path)
    home = tmp_path / "home"
    done = process("run", eventful, "--home", home, "-q", limit=limit)
    assert done.returncode == 7, done.stderr
    assert "a file grew over the allowed size" in done.stderr and "Traceback" not in done.stderr
    folder = home / "runs" / "eventful-001"
    if (folder / "events.jsonl").exists():
        text = (folder / "events.jsonl").read_bytes()
        assert expected[0].startswith(text[: text.rfind(b"\n") + 1])
    resumed = Lab(home).run(eventful, resume=True, project=False)
    assert (resumed.exit, facts(resumed.path)) == (0, expected)


def may_mount() -> bool:
    """Whether this machine lets us mount a small file system of our own."""
    try:
        return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not may_mount(), reason="a small disk of one's own needs the right to mount")
@pytest.mark.parametrize("kilobytes", [800, pytest.param(300, marks=pytest.mark.slow)])
def test_a_full_disk_ends_the_run_without_loss(
    kilobytes: int, eventful: Path, tmp_path: Path, warm: Lab, facts: Facts
) -> None:
    expected = facts(warm.run(eventful, project=False).path)
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    script = (
        f"mount -t tmpfs -o size={kilobytes}k none {small} || exit 99\n"
        f"{sys.executable} -m simlab run {eventful} --home {small}/home -q; code=$?\n"
        f"cp -r {small}/home {kept}; exit $code\n"
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode == 99:
        pytest.skip(f"cannot mount: {done.stderr}")
    assert done.returncode == 7, done.stderr
    assert "the disk is full" in done.stderr and "Traceback" not in done.stderr
    resumed = Lab(kept).run(eventful, resume=True, project=False)
    assert (resumed.exit, facts(resumed.path)) == (0, expected)
