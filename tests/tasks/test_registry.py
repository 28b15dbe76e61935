"""A task is found by its name, by what a source is for, and in a folder of any format."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lockgate
from lockgate.errors import DataError
from lockgate.tasks import registry

# folders that were written by the format before today's, with what they predicted then
FORMAT_1 = Path(__file__).parents[1] / "data" / "format-1"
KINDS = ("forecast", "texts", "waves")


def source_of(kind: str) -> Any:
    """Give what the folder of a kind predicted from."""
    if kind == "forecast":
        return FORMAT_1 / "shop.csv"
    if kind == "texts":
        return [f"a {'good' if i % 2 else 'bad'} film seen {i % 5} times" for i in range(4)]
    with np.load(FORMAT_1 / "waves.npz") as arrays:
        return [arrays[name] for name in arrays.files]


def predicted(fitted: Any, kind: str) -> dict[str, list[Any]]:
    frame: pl.DataFrame = fitted.predict(source_of(kind)).drop("note", strict=False)
    stamps = pl.selectors.datetime().dt.strftime("%Y-%m-%d %H:%M:%S")
    return frame.with_columns(stamps).to_dict(as_series=False)


def expected(kind: str) -> dict[str, list[Any]]:
    content: dict[str, list[Any]] = json.loads((FORMAT_1 / f"{kind}.json").read_text())
    return content


def alike(found: dict[str, list[Any]], told: dict[str, list[Any]]) -> None:
    """Hold predictions against those of another machine: equal to the rounding of float32."""
    assert_frame_equal(pl.DataFrame(found), pl.DataFrame(told), rel_tol=1e-6, abs_tol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_of_the_first_format_predicts_what_it_did(kind: str) -> None:
    alike(predicted(lockgate.load(FORMAT_1 / kind), kind), expected(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_an_upgraded_folder_has_todays_format_and_predicts_the_same(
    kind: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(FORMAT_1 / kind, tmp_path / "model"))

    upgraded = lockgate.upgrade(folder)

    assert json.loads((folder / "config.json").read_text())["format_version"] == 2
    assert predicted(lockgate.load(folder), kind) == predicted(upgraded, kind)
    alike(predicted(upgraded, kind), expected(kind))
    # with a card, which the first format had not
    before = {path.name for path in (FORMAT_1 / kind).iterdir()}
    assert {path.name for path in folder.iterdir()} == {*before, "README.md"}


def test_an_upgraded_folder_is_left_as_it_is(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FORMAT_1 / "waves", tmp_path / "model"))
    lockgate.upgrade(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}

    lockgate.upgrade(folder)

    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "sorting"}, "is no fitted model: task must be .*, got 'sorting'"),
        ({"task": ["labels"]}, r"is no fitted model: task must be .*, got \['labels'\]"),
        ({"format_version": 99}, "must have format_version 1.*2, got 99; use the lockgate that"),
        ({"format_version": None}, "must have format_version 1.*2, got None"),
        ({"task": "forecast"}, "is no fitted model: data.target: Field required"),
    ],
    ids=["unknown-task", "no-name", "later", "none", "another-task"],
)
def test_a_folder_that_is_none_of_ours_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    folder = Path(shutil.copytree(FORMAT_1 / "waves", tmp_path / "model"))
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, **changes}))

    with pytest.raises(DataError, match=message):
        lockgate.load(folder)


def test_the_folder_of_a_study_stands_for_its_selected_model(finished: Any, table: Any) -> None:
    whole, inner = (registry.load(finished.folder / name) for name in ("", "fitted"))

    assert whole.predict(table).equals(inner.predict(table))
    assert registry.fitted_folder(finished.folder) == finished.folder / "fitted"
    assert registry.fitted_folder(str(finished.folder / "fitted")) == finished.folder / "fitted"


def test_each_task_answers_to_its_name() -> None:
    for name in registry.NAMES:
        assert registry.task(name).name == name
        assert registry.configs()[name] is registry.task(name).run
        assert len(registry.model_name(name)) > 5
    with pytest.raises(DataError, match=r"task must be one of .*labels, forecast, got 'sorting'"):
        registry.task("sorting")


@pytest.mark.parametrize(
    ("source", "settings", "name"),
    [
        ("shop.csv", ["target"], "forecast"),
        ("shop.csv", [], "forecast"),
        ("shop.csv", ["label"], "labels"),
        ("shop.csv", ["data.text"], "labels"),
        ("waves.ts", [], "labels"),
        ((["a text"], ["a label"]), [], "labels"),
    ],
)
def test_a_source_and_its_settings_tell_the_task(
    source: Any, settings: list[str], name: str
) -> None:
    assert registry.suitable(source, settings).name == name
    for other in registry.NAMES:
        assert registry.suitable(source, settings, other).name == other


def test_only_a_source_that_can_be_for_one_task_has_an_owner() -> None:
    assert registry.owner("waves.ts") == "labels"
    assert registry.owner("shop.csv") is None
