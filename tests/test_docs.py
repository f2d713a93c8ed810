"""The documentation says what is there: up to date, whole, with links that resolve and commands that run."""

from __future__ import annotations

import re
import shlex
import shutil
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pytest
import typer
import yaml
from pydantic import Field
from typer.testing import CliRunner

from simlab import errors
from simlab.artifacts import History
from simlab.card import load_card
from simlab.checking import check
from simlab.cli import app, main
from simlab.dataset import dataset_names
from simlab.engines import engine
from simlab.expect import expectations
from simlab.generators._columns import number
from simlab.injectors._columns import numbers, put_numbers, struck
from simlab.shapes import SHAPES
from simlab.shipped import scenario_names
from simlab.signature import keywords, names
from simlab.stages import STAGES

ROOT = Path(__file__).parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
CHEAP = ("check", "plan", "list", "show")
"""Commands that are run wherever a page shows them as `$ simlab …` in a console block."""


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"no heading {heading!r}"
    return found[1]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = spec_from_file_location("generate_docs", ROOT / "scripts/generate_docs.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- generated pages ----------------------------------------------------------------------------


def test_generated_pages_are_up_to_date(generator):
    assert not generator.stale(), "`python scripts/generate_docs.py` writes them anew"


def test_a_stale_page_is_found(generator, tmp_path, monkeypatch, capsys):
    for name in generator.PAGES:
        (tmp_path / name).write_text((ROOT / "docs" / name).read_text() + "more\n" * (name == "cli.md"))
    monkeypatch.setattr(generator, "DOCS", tmp_path)

    shutil.copytree(ROOT / "docs/images/injectors", tmp_path / "images/injectors")
    assert generator.main(["--check"]) == 1
    assert capsys.readouterr().err.split()[0] == "docs/cli.md"


def test_a_stale_a_missing_and_an_orphaned_picture_are_found(generator, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "images/injectors"
    shutil.copytree(ROOT / "docs/images/injectors", folder)
    for name in generator.PAGES:
        shutil.copy(ROOT / "docs" / name, tmp_path / name)
    monkeypatch.setattr(generator, "DOCS", tmp_path)
    assert generator.main(["--check"]) == 0
    stale = (folder / "resample.svg").read_text()
    (folder / "resample.svg").write_text(
        stale[:-12] + stale[-12:].translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    )
    (folder / "add_noise.svg").unlink()
    (folder / "nobody.svg").write_text("<svg/>")

    assert generator.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert all(f"docs/images/injectors/{name}.svg" in said for name in ("resample", "add_noise", "nobody"))
    assert said.count("is stale") == 3


def test_a_picture_is_what_its_code_draws_every_time(generator, tmp_path):
    generator.plot_injectors.write(["silence_monitor"], tmp_path)
    drawn = (tmp_path / "silence_monitor.svg").read_bytes()
    generator.plot_injectors.write(["silence_monitor"], tmp_path)
    assert drawn == (tmp_path / "silence_monitor.svg").read_bytes()
    assert drawn == (ROOT / "docs/images/injectors/silence_monitor.svg").read_bytes()


def test_a_key_that_nobody_explains_is_refused(generator):
    def silent(*, loud: int = 1) -> None:
        """Say nothing of its key."""

    with pytest.raises(LookupError, match="'loud' is not explained"):
        list(generator.keys_of([silent]))


def test_types_are_said_in_words(generator):
    assert generator.type_of(Annotated[int, Field(ge=1, le=9)]) == "whole number, 1 to 9"
    assert generator.type_of(Literal["a", "b"] | None) == "`a` or `b`"
    assert generator.type_of(tuple[str, ...]) == "list of text"


# --- nothing is left out ------------------------------------------------------------------------


KINDS = {
    "stage": [row.name for row in STAGES],
    "injector": names("injectors"),
    "detector": names("detectors"),
    "policy": names("policies"),
    "shape": tuple(SHAPES),
    "expectation": tuple(expectations()),
    "dataset": [path.parent.name for path in ROOT.glob("datasets/*/card.yaml")],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, found in KINDS.items() for name in found])
def test_every_name_has_its_place_in_the_reference(kind, name):
    page, level = ("injectors", "##") if kind == "injector" else ("scenario-reference", "###")
    assert f"\n{level} `{name}`\n" in text(f"docs/{page}.md"), f"the {kind} {name} is missing"


@pytest.mark.parametrize("name", names("injectors"))
def test_every_injector_has_a_small_picture_that_is_shown(name):
    picture = (ROOT / f"docs/images/injectors/{name}.svg").read_text()
    assert f"](images/injectors/{name}.svg)" in text("docs/injectors.md")
    assert "<svg" in picture and len(picture) < 26_000
    assert not re.search(r"\d\.\d{3}", picture), "a number's last digits are another machine's"


def test_every_key_of_every_expectation_is_in_its_table():
    page = text("docs/scenario-reference.md")
    for name, function in expectations().items():
        said = section(page, f"`{name}`")
        missing = [key for key in keywords(function) if f"| `{key}` |" not in said]
        assert not missing, f"{name}: {missing}"


def test_every_shipped_scenario_is_a_lesson_of_the_tutorial():
    page = text("docs/tutorial.md")
    shipped = [name for name, path in scenario_names().items() if path.parent.name == "scenarios"]
    assert shipped
    assert not [name for name in shipped if f"simlab run {name}\n" not in page]


def test_every_stage_is_in_the_readme_and_on_the_aws_map():
    for page in (text("README.md"), text("docs/aws-map.md")):
        for row in STAGES:
            assert f"| `{row.name}` | {row.aws} | {row.engine} |" in page, row.name


def test_every_command_and_option_is_documented(generator):
    page = text("docs/cli.md")
    group: Any = typer.main.get_command(app)
    assert group.commands
    for name, command in generator.commands(group):
        said = section(page, f"`simlab {name}`")
        missing = [o for p in command.params for o in p.opts if o.startswith("-") and o not in said]
        assert not missing, f"{name}: {missing}"


def exit_codes(kind: type[BaseException] = errors.SimlabError) -> set[int]:
    return {kind.exit_code, *(code for below in kind.__subclasses__() for code in exit_codes(below))}  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", ["docs/cli.md", "docs/how-it-works.md"])
def test_every_exit_code_is_documented(page):
    table = section(text(page), "Exit codes")
    said = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert exit_codes() | {0, 5, 130} <= said


def test_every_dependency_says_why():
    project = tomllib.loads(text("pyproject.toml"))["project"]
    said = section(text("docs/design.md"), "Dependencies")
    for needed in project["dependencies"]:
        name = re.split(r"[=<>~!]", needed)[0]
        assert f"| {name} |" in said, name
    for needed in (n for group in project["optional-dependencies"].values() for n in group):
        name = re.split(r"[=<>~!]", needed)[0]
        assert name in said or (name.startswith("types-") and "type stubs" in said), name


def test_the_glossary_is_in_alphabetical_order():
    words = re.findall(r"^\| \*\*(\w+)\*\* \|", text("docs/glossary.md"), re.MULTILINE)
    assert len(words) > 12 and words == sorted(words)


# --- pages hold together ------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub makes them."""
    found = set()
    body = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for heading in re.findall(r"^#+ (.+)$", body, re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        found.add(plain.replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page):
    body = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", body):
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        to = (page.parent / file).resolve() if file else page
        if not to.exists() or (anchor and anchor not in anchors(to)):
            broken.append(target)
    assert not broken


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n\n[there](#one) and [nowhere](#two)\n")
    with pytest.raises(AssertionError, match="#two"):
        test_links_resolve(page)


def commands(page: Path) -> list[str]:
    """Cheap commands of a page's console blocks, without their comments."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ simlab ")]
    return [line[9:].partition("  #")[0].strip() for line in lines]


SHOWN = [(page.name, command) for page in PAGES for command in commands(page)]


def test_pages_show_commands():
    assert {name for name, _ in SHOWN} >= {"README.md", "tutorial.md"}


@pytest.mark.parametrize(("page", "command"), SHOWN)
def test_commands_in_console_blocks_run(page, command, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    words = shlex.split(command)
    assert words[0] in CHEAP, f"{page}: {command} is not run here; show it in a block of sh"

    assert main(words) == 0, capsys.readouterr().err


def options(page: Path) -> list[str]:
    """`simlab run SCENARIO --set …` of a page's sh blocks: too costly to run, cheap to check."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("simlab run ")]
    return [line.partition("  #")[0].strip() for line in lines]


RUNS = [(page.name, line) for page in PAGES for line in options(page) if ".yaml" not in line]
"""Those of files that the reader writes are left out."""


@pytest.mark.parametrize(("page", "line"), RUNS)
def test_runs_in_sh_blocks_would_start(page, line, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    words = shlex.split(line)[1:]

    assert main(["check", *words[1:]]) == 0, capsys.readouterr().err


def test_the_tutorials_own_injection_can_run(tmp_path, monkeypatch, capsys):
    """The five-minute tutorial: `simlab new`, then the block of YAML in place of the starter's own."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "gains-in-cents"]) == 0
    starter = (tmp_path / "gains-in-cents.yaml").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```", text("README.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1 and "\ninject:" in starter

    (tmp_path / "gains-in-cents.yaml").write_text(starter.partition("\ninject:")[0] + "\n" + blocks[0])

    assert main(["check", "gains-in-cents.yaml"]) == 0, capsys.readouterr().err


def test_the_card_of_the_extending_page_is_complete(tmp_path):
    shown = section(text("docs/extending.md"), "A dataset")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", shown, re.MULTILINE | re.DOTALL)
    (tmp_path / "card.yaml").write_text(block)

    card = load_card(tmp_path)

    assert card.target_name == "bought" and set(card.columns) == {"age", "city", "bought"}


def test_the_injector_the_detector_and_the_policy_of_the_extending_page_work():
    page = text("docs/extending.md")
    given: dict[str, Any] = {
        "np": np, "numbers": numbers, "put_numbers": put_numbers, "struck": struck, "History": History,
    }  # fmt: skip
    for heading in ("An injector", "A detector", "A policy"):
        for block in re.findall(r"^```python\n(.*?)^```", section(page, heading), re.MULTILINE | re.DOTALL):
            exec(block, given)

    rows, mask = pa.table({"age": [13.0, 26.0, None]}), np.array([True, False, True])
    rounded = given["coarsen_column"](rows, mask, 1.0, np.random.default_rng(0), {}, column="age")
    assert rounded["age"].to_pylist() == [10.0, 26.0, None]
    assert given["coarsen_column"](rows, mask, 0, np.random.default_rng(0), {}, column="age") is rows
    assert given["median_shift"](np.arange(9.0), np.arange(9.0) + 4) == (1.0, True, 0.25)
    assert given["run_of_one_side"](np.array([1.0, 2.0, -1.0, 3.0, 1.0]), 1, length=2) == (2, True, 2)
    assert given["run_of_one_side"](np.array([]), 0) == (None, False, 8)
    assert given["on_labels"](History(labelled=(0, 1, 2)), windows=3) is not None
    assert given["on_labels"](History(labelled=(0, 1, 2), retrained=(1,)), windows=3) is None


def test_the_generator_of_the_extending_page_works():
    (block,) = re.findall(
        r"^```python\n(.*?)^```",
        section(text("docs/extending.md"), "A generated world"),
        re.MULTILINE | re.DOTALL,
    )
    given: dict[str, Any] = {"np": np, "number": number, "Literal": Literal}
    exec(block, given)
    for concept in given["CONCEPTS"]:
        generator, arguments = given["river"](1, **concept)
        rows = engine("river_worlds").draw(generator, arguments, tuple(given["COLUMNS"]), 300)
        assert given["ring"](rows, 1, **concept).tolist() == rows["answer"].to_pylist()


def test_help_names_every_command():
    shown = CliRunner().invoke(app, ["--help"]).output
    group: Any = typer.main.get_command(app)
    assert not [name for name in group.commands if name not in shown]


def test_datasets_of_the_reference_are_those_simlab_finds():
    assert set(KINDS["dataset"]) <= set(dataset_names())


def test_the_screenshot_is_small_enough_to_clone():
    image = ROOT / "docs/images/report.png"
    assert image.read_bytes().startswith(b"\x89PNG") and image.stat().st_size < 400_000


def test_the_scenario_of_the_monitoring_page_can_run(tmp_path):
    stages: dict = {}
    for block in re.findall(r"```yaml\n(.*?)```", text("docs/monitoring.md"), re.S):
        stages |= yaml.safe_load(block)["stages"]
    stages["retrain"] = {"policy": "on_event"}
    clock = {"start": "2026-01-05", "step": "6h", "windows": 40, "rows": 400}
    body = {"simlab": 1, "title": "t", "dataset": "adult-income", "clock": clock, "stages": stages}
    path = tmp_path / "page.yaml"
    path.write_text(yaml.safe_dump(body))
    assert check(path).scenario.stages["monitor"]["schedules"]
