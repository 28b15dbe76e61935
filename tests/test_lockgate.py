"""The public names: complete, documented, lazy, and honest about what is not installed."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lockgate

ROOT = Path(__file__).parents[1]


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_all_lists_every_public_name():
    assert sorted(lockgate.__all__) == sorted(lockgate._HOMES)
    assert len(set(lockgate.__all__)) == len(lockgate.__all__)
    assert {*lockgate.__all__, "__version__"} <= set(dir(lockgate))


@pytest.mark.parametrize("name", lockgate.__all__)
def test_every_public_name_exists_and_is_documented(name):
    public = getattr(lockgate, name)

    text = inspect.getdoc(public)
    assert text
    assert len(text.splitlines()[0]) > 20 or name == "nn"


@pytest.mark.parametrize("name", ["study", "train"])
def test_every_argument_of_a_public_function_is_documented(name):
    function = getattr(lockgate, name)

    # what they share stands in that of study
    text = f"{inspect.getdoc(lockgate.study)}\n{inspect.getdoc(function)}"
    for argument in inspect.signature(function).parameters:
        assert re.search(rf"^ +{argument}: ", text, re.MULTILINE), argument


def test_type_checkers_see_what_is_found_at_run_time():
    source = Path(lockgate.__file__).read_text(encoding="utf-8")

    seen = set(re.findall(r"^    from [\w.]+ import \w+ as (\w+)$", source, re.MULTILINE))
    assert seen == set(lockgate.__all__)


def test_an_unknown_name_is_no_attribute():
    with pytest.raises(AttributeError, match="module 'lockgate' has no attribute 'stdy'"):
        lockgate.stdy  # noqa: B018


def test_readme_and_workbench_name_every_function_that_has_a_command():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "workbench.md").read_text(encoding="utf-8")

    for name in ("study", "train", "tune", "lr_find", "compare", "backtest", "update"):
        assert f"lockgate.{name}" in page
    for name in ("Forecaster", "SequenceClassifier", "SequenceRegressor"):
        assert f"`lockgate.{name}" in page
    for name in ("study", "Forecaster"):
        assert f"lockgate.{name}(" in readme
    assert "lockgate.nn." in readme


BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {absent!r}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)

sys.meta_path.insert(0, Absent())
"""
WORKBENCH = {
    *("jinja2", "joblib", "lightning_fabric", "narwhals", "pandas", "plotly", "polars", "pyarrow"),
    *("pydantic", "yaml", "rich", "safetensors", "sklearn", "scipy", "statsmodels", "typer"),
    "utilsforecast",
}


def test_a_base_install_has_the_layers_and_tells_how_to_get_the_rest_and_the_command():
    code = BLOCK.format(absent=WORKBENCH) + (
        "import lockgate\n"
        "lockgate.nn.LSTM(2, 3)\n"
        "lockgate.backend, lockgate.BackendUnavailable\n"
        "for name in ('study', 'train', 'Fitted', 'Forecaster', 'StudyResult'):\n"
        "    try:\n"
        "        getattr(lockgate, name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        print(error)\n"
        "from lockgate.cli import main\n"
        "main()"
    )

    done = python(code)

    lines = done.stdout.splitlines()
    assert len(lines) == 5, done.stderr
    for line in lines:
        assert re.fullmatch(
            r'lockgate\.\w+ needs (\w+): pip install "lockgate\[workbench\]"', line
        ), line
    assert done.returncode == 1
    assert done.stderr == (
        "lockgate's commands need the workbench, which lacks typer: "
        'pip install "lockgate[workbench]"\n'
    )


def test_a_command_that_lacks_a_library_tells_what_to_install(csv):
    code = BLOCK.format(absent={"polars"}) + (
        f"sys.argv = ['lockgate', 'study', {str(csv)!r}, '--target', 'sold']\n"
        "from lockgate.cli import main\nmain()"
    )

    done = python(code)

    assert done.returncode == 1
    assert done.stderr == (
        'lockgate: this command needs polars: pip install "lockgate[workbench]"\n'
    )
