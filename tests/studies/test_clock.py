"""The time of a study is that of the clock, over all its runs."""

import time

import pytest

from lockgate.errors import DataError
from lockgate.studies.clock import Clock


@pytest.fixture
def now(monkeypatch):
    """Return a clock that is set by hand."""
    hands = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: hands[0])
    return hands


def test_the_time_of_a_study_is_that_of_all_its_runs(now, tmp_path):
    first = Clock()
    first.go_on(tmp_path)
    now[0] += 7
    first.keep(tmp_path)
    now[0] += 50  # lost: the run was killed before it kept them
    second = Clock()
    second.go_on(tmp_path)
    now[0] += 4

    assert second.keep(tmp_path) == 11
    assert second.keep(tmp_path) == 11


@pytest.mark.parametrize("text", ["", "[1]", "null", '"x"', "[" * 100_000])
def test_what_is_no_number_of_seconds_is_refused(text, tmp_path):
    (tmp_path / "seconds.json").write_text(text)

    with pytest.raises(DataError, match=r"seconds\.json must hold a number of seconds: delete it"):
        Clock().go_on(tmp_path)
