"""What every engine adapter keeps to; a new file in the folder is found and held to it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import simlab
from simlab.engines import QUIET, engine
from simlab.errors import EngineMissing
from simlab.signature import names

HERE = Path(simlab.__file__).parent
THIRD_PARTY = {
    "duckdb", "evidently", "feast", "lightgbm", "mlflow", "onnx", "onnxruntime", "optuna", "pandas", "river", "skl2onnx", "sklearn",
}  # fmt: skip


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("name", names("engines"))
def test_an_engine_is_a_module_of_plain_documented_functions(name: str) -> None:
    tree = ast.parse((HERE / "engines" / f"{name}.py").read_text())
    assert ast.get_docstring(tree)
    public = [n for n in tree.body if isinstance(n, ast.FunctionDef) and not n.name.startswith("_")]
    assert public
    for function in public:
        assert ast.get_docstring(function), function.name
        assert function.returns is not None, function.name


def test_nobody_else_imports_an_engine() -> None:
    for path in HERE.rglob("*.py"):
        if path.parent.name != "engines":
            assert not imported(path) & THIRD_PARTY, path


@pytest.mark.parametrize("name", names("engines"))
def test_an_engine_is_silent_before_it_is_imported(name: str) -> None:
    assert all(os.environ[key] == value for key, value in QUIET.items())


def test_a_missing_package_is_told_with_what_mends_it() -> None:
    script = (
        "import sys; sys.modules['lightgbm'] = None\n"
        "from simlab.engines import engine\nfrom simlab.errors import EngineMissing\n"
        "try: engine('lightgbm')\nexcept EngineMissing as wrong: print(wrong.exit_code, wrong)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=HERE.parent
    )
    assert done.stdout.startswith(
        "7 the engine 'lightgbm' needs the package 'lightgbm', which is not installed; `make install`"
    )


def test_an_engine_nobody_wrote_is_a_fault_not_a_missing_package() -> None:
    with pytest.raises(ModuleNotFoundError) as wrong:
        engine("nosuch")
    assert not isinstance(wrong.value, EngineMissing)
