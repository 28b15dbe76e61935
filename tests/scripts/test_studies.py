"""The scripts of studies run what is asked for, each study with its budget, and none twice."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
STUB = """#!/bin/sh
printf '%s ' "$(basename "$0")" "$(basename "$PWD")" "$@" >> "$CALLS"
echo >> "$CALLS"
while [ $# -gt 0 ]; do
  [ "$1" != --out ] || mkdir -p "$2"
  shift
done
"""
FOLDERS = ("bike_sharing", "classic_univariate", "en_sentences", "tsc_aeon", "zh_waimai10k")
FOLDERS = (*FOLDERS, "jena_weather_2020", "ett", "beijing_pm25", "zh_chnsenticorp")


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run a script in a copy of the repository, where `lockgate` only tells how it was called."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "bin").mkdir()
    for name in FOLDERS:
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("lockgate", "python", "git"):
        stub = tmp_path / "bin" / name
        stub.write_text(STUB if name != "git" else "#!/bin/sh\necho abc1234\n")
        stub.chmod(0o755)
    calls = tmp_path / "calls"
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "LOCKGATE_DATA": str(tmp_path / "data"),
        "CALLS": str(calls),
    }

    def script(name: str, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        calls.write_text("")
        shutil.copy(SCRIPTS / name, tmp_path / "scripts" / name)
        command = [str(tmp_path / "scripts" / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        return done, calls.read_text().splitlines()

    return script


@pytest.mark.parametrize(
    ("name", "count", "folder", "named", "budget"),
    [
        # those of tables show what the default finds
        ("studies", 6, "studies", ("bike", "taylor"), None),
        ("label_studies", 6, "label-studies", ("trec", "waimai"), "20m"),
    ],
)
def test_what_is_asked_for_is_run_with_a_budget(
    run: Any, name: str, count: int, folder: str, named: tuple[str, ...], budget: str | None
) -> None:
    done, calls = run(name, *named)

    assert done.returncode == 0, done.stderr
    *called, page = calls
    studies = [one for one in called if one.startswith("lockgate ") and " study " in one]
    assert len(studies) == 2
    for study, one in zip(named, studies, strict=True):
        assert one.rstrip().endswith(f"runs/{folder}/{study} --resume")
        assert (f" --budget {budget} " in one) if budget else ("--budget" not in one)
    assert page.startswith("python ")
    again = [one for one in run(name)[1] if " study " in one]
    assert len(again) == count


def test_a_study_that_is_finished_is_not_run_again(run: Any, tmp_path: Path) -> None:
    finished = tmp_path / "runs" / "studies" / "bike"
    finished.mkdir(parents=True)
    for name in ("results.json", "kept_up.json"):
        (finished / name).write_text("{}")

    _, calls = run("studies", "bike", "taylor")

    assert [call.split()[:3:2] for call in calls[:-1]] == [
        ["lockgate", "study"],
        ["lockgate", "update"],
    ]
    assert "taylor.csv" in calls[0]
    assert "runs/studies/taylor/fitted taylor.csv --adapt 0.01 --out" in calls[1]
    assert calls[-1].startswith("python ")


@pytest.mark.parametrize("name", ["studies", "label_studies"])
def test_an_unknown_study_is_refused_with_those_that_there_are(run: Any, name: str) -> None:
    done, calls = run(name, "nonsense")

    assert done.returncode == 2
    assert "studies must be among" in done.stderr
    assert "got nonsense" in done.stderr
    assert calls == []
