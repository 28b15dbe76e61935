"""A part imports only the parts below it, and what is light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "lockgate"
# from the ground up; `progress` and `api` join the parts for the command line and for Python
ORDER = [
    "ops",
    "nn",
    "interop",
    "data",
    "models",
    "training",
    "fitted",
    "evaluation",
    "studies",
    "estimators",
    "reports",
    "serving",
    "progress",
    "api",
    "cli",
]
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            joined = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= joined if node.module == "lockgate" else {node.module}
    return {name.split(".")[1] for name in names if name.startswith("lockgate.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_part_imports_only_parts_below_it(path: Path) -> None:
    part = part_of(path)

    above = {other for other in imported_parts(path) if ORDER.index(other) > ORDER.index(part)}

    assert not above, f"{part} must not import {sorted(above)}"


def test_every_part_has_a_place() -> None:
    parts = {part_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}

    assert parts <= set(ORDER)


def modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*(name.split('.')[0] for name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


def test_import_lockgate_imports_no_library() -> None:
    heavy = {"torch", "numpy", "polars", "pandas", "lightning_fabric", "pydantic", "typer"}

    assert not heavy & modules_after("import lockgate")


def test_layers_need_only_torch() -> None:
    workbench = {"polars", "pandas", "lightning_fabric", "pydantic", "typer", "plotly", "sklearn"}

    assert not workbench & modules_after("from lockgate import nn; nn.LSTM(2, 3)")


def test_help_imports_no_torch() -> None:
    heavy = {"torch", "polars", "pandas", "lightning_fabric"}
    code = (
        "import sys; sys.argv = ['lockgate', 'study', '--help']\n"
        "from lockgate.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0, end.code"
    )

    assert not heavy & modules_after(code)
