"""What is finished is read from its folder, and what is none is told so."""

from pathlib import Path

import pytest

from lockgate.errors import DataError
from lockgate.studies.finished import read_finished


def test_results_are_read_with_their_path(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"seconds": 1.5}')

    assert read_finished(str(tmp_path), "study") == ({"seconds": 1.5}, tmp_path / "results.json")


@pytest.mark.parametrize("what", ["study", "search"])
def test_a_folder_without_results_is_told_by_what_it_lacks(what: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=rf"^folder must hold a finished {what}, got .*: No such"):
        read_finished(tmp_path, what)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000])
def test_what_is_no_json_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(text)

    with pytest.raises(DataError, match=r"results\.json must be JSON"):
        read_finished(tmp_path, "study")
