"""After installation nothing leaves the machine, and nothing is written outside the home."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TINY = [
    "--set", "clock.windows=4", "--set", "clock.rows=120", "--set", "world.training=1500", "--set",
    "world.baseline_rows=500", "--set", "stages.tune.trials=2", "--set", "inject.gains.start=2", "--set", "expect=[]",
]  # fmt: skip


def _environment(tmp_path: Path) -> dict[str, str]:
    """A newcomer's environment: no CI, which keeps some engines quiet, and an empty home folder."""
    unwanted = ("CI", "SIMLAB_HOME", "PYTEST_CURRENT_TEST", "TMPDIR")
    # An engine that another test imported has set PROMETHEUS_… in this process; a newcomer's has none.
    kept = {k: v for k, v in os.environ.items() if k not in unwanted and not k.startswith("PROMETHEUS_")}
    return {**kept, "HOME": str(tmp_path / "user"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def _command(home: Path) -> list[str]:
    scenario = str(ROOT / "scenarios/income-drift.yaml")
    return [sys.executable, "-m", "simlab", "run", scenario, "--home", str(home), *TINY, "--set", "given=[]"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_a_run_opens_no_internet_socket_and_writes_nothing_outside_its_home(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "work").mkdir()
    trace = tmp_path / "trace"
    wanted = "trace=socket,connect,sendto,sendmsg,open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2"
    done = subprocess.run(
        ["strace", "-f", "-qq", "-s", "300", "-e", wanted, "-o", str(trace), *_command(tmp_path / "home")],
        cwd=tmp_path / "work",
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = trace.read_text(errors="replace").splitlines()
    assert len(lines) > 1000, "strace saw too little to prove anything"
    assert any("mlflow.db" in line for line in lines), "the projector was not traced"
    talking = [
        line for line in lines
        if re.search(r"\b(connect|sendto|sendmsg)\(", line) and re.search(r"AF_INET6?\b", line)
    ]  # fmt: skip
    assert not talking, talking[:5]
    # urllib3 asks at import whether this machine has IPv6 by opening, never connecting, a socket.
    opened = [line for line in lines if re.search(r"socket\(AF_INET\b", line)]
    assert not opened, opened[:5]
    assert not list((tmp_path / "user").rglob("*")), "something was written to the user's home folder"
    assert not list((tmp_path / "work").rglob("*")), "something was written to the working folder"
    allowed = (str(tmp_path / "home"), "/dev/", "/proc/", "/sys/")
    written = set()
    for line in lines:
        if (
            re.search(r"\b(open|openat|creat)\(", line)
            and re.search(r"O_WRONLY|O_RDWR|O_CREAT", line)
            and "= -1" not in line
        ):
            found = re.search(r'"([^"]*)"', line)
            if found and found[1].startswith("/") and not found[1].startswith(allowed):
                written.add(found[1])
    # Temporary files that are gone again are nobody's business.
    assert not {path for path in written if Path(path).exists()}, written


@pytest.mark.slow
def test_a_run_works_where_there_is_no_network_at_all(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow network namespaces")
    (tmp_path / "user").mkdir()
    done = subprocess.run(
        ["unshare", "-rn", *_command(tmp_path / "home"), "--json"],
        cwd=tmp_path,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "home" / "runs" / "income-drift-001" / "report.html").exists()
