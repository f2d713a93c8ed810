"""The project's own files: what is pinned, what is shipped, and what may never stand in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import simlab

ROOT = Path(__file__).parents[1]

# Spelled in pieces, so that this file does not hold what it looks for.
REGISTRIES = re.compile(
    "|".join(
        [
            r"pypi\.(org|python)",
            "python" + r"hosted\.org",
            "index" + "-url",
            "extra-" + "index",
            "find" + "-links",
        ]
    )
)


def tracked() -> Iterator[Path]:
    """The project's text files: what git knows, and what it would if it were told."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout to list the files of")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if path.is_file() and b"\0" not in path.read_bytes()[:4096]:
            yield path


def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pinned(lock: str) -> dict[str, list[Requirement]]:
    """Each requirement of the lock, under its package's name."""
    found: dict[str, list[Requirement]] = {}
    for line in re.sub(r"\\\n\s*", " ", lock).splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line.partition(" --hash")[0].strip())
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def lock() -> dict[str, list[Requirement]]:
    return pinned((ROOT / "requirements.lock").read_text())


def asked() -> list[Requirement]:
    extras = project()["optional-dependencies"].values()
    return [Requirement(text) for text in project()["dependencies"] + [t for extra in extras for t in extra]]


@pytest.mark.parametrize("wanted", asked(), ids=str)
def test_the_lock_pins_what_the_project_asks_for(wanted):
    found = lock()[canonicalize_name(wanted.name)]
    versions = [next(iter(requirement.specifier)) for requirement in found]
    assert all(version.operator == "==" for version in versions)
    assert all(wanted.specifier.contains(version.version) for version in versions)


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_each_python_and_system_gets_one_version_of_a_package(python, system):
    here = default_environment() | {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": system,
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
    }  # fmt: skip
    chosen = {
        name: [r for r in found if r.marker is None or r.marker.evaluate(here)]
        for name, found in lock().items()
    }
    assert [name for name, found in chosen.items() if len(found) > 1] == []
    assert all(chosen[canonicalize_name(wanted.name)] for wanted in asked())


def test_every_file_the_lock_admits_has_a_digest():
    entries = re.sub(r"\\\n\s*", " ", (ROOT / "requirements.lock").read_text()).splitlines()
    assert len(entries) > 100
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_no_file_names_a_package_index():
    assert [
        str(path.relative_to(ROOT))
        for path in tracked()
        if REGISTRIES.search(path.read_text(errors="replace"))
    ] == []


def test_the_search_for_an_index_finds_one():
    assert REGISTRIES.search("pip install --" + "find" + "-links somewhere")
    assert REGISTRIES.search("https://" + "pypi" + ".org/simple")


def test_the_container_runs_as_nobody_special():
    lines = [
        line.split()
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line and line[0] not in "# "
    ]
    users = [words[1] for words in lines if words[0] == "USER"]
    last_stage = max(n for n, words in enumerate(lines) if words[0] == "FROM")
    assert users[-1] == "10001:10001"
    assert ["USER", users[-1]] in lines[last_stage:]


def test_the_container_copies_only_what_it_is_sent():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert copied and copied <= sent
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_services_can_do_little_and_are_seen_from_this_machine_alone():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    assert set(services) >= {"simlab", "mlflow"}
    for service in services.values():
        assert service["cap_drop"] == ["ALL"] and service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert services["simlab"]["network_mode"] == "none"


def test_both_services_see_one_home():
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    homes = {volume for service in compose["services"].values() for volume in service["volumes"]}
    assert homes == {"home:/home/simlab/.simlab"} and "home" in compose["volumes"]
    store = next(flag for flag in compose["services"]["mlflow"]["command"] if "backend-store" in flag)
    assert store.endswith("sqlite:////home/simlab/.simlab/mlflow.db")


def test_the_changelog_speaks_of_this_version():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased" or headings[0].startswith(simlab.__version__)


def test_the_licence_is_there_in_full():
    text = (ROOT / "LICENSE").read_text()
    assert project()["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text


def finds(*candidates: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "scripts" / "python", *candidates], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


def fake(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_shim_with_nothing_behind_it_is_passed_over(tmp_path):
    shim = fake(tmp_path, "shim", "echo 'command not found' >&2; exit 127")
    good = fake(tmp_path, "good", "case $2 in *print*) echo 3.12;; esac")
    assert finds(shim, good).stdout.strip() == str(good)


def test_an_old_python_is_named_in_the_message(tmp_path):
    old = fake(tmp_path, "old", "case $2 in *print*) echo 3.9;; *) exit 1;; esac")
    answer = finds(old)
    assert answer.returncode == 1 and answer.stdout == ""
    assert f"{old} is 3.9" in answer.stderr and "3.11 or newer" in answer.stderr


def test_a_python_without_venv_says_what_to_install(tmp_path):
    bare = fake(tmp_path, "bare", "case $2 in *print*) echo 3.11;; *ensurepip*) exit 1;; esac")
    answer = finds(bare)
    assert answer.returncode == 1 and "python3-venv" in answer.stderr
