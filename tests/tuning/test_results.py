"""Results of a search are told from those of a study and of other formats."""

import pytest

from lockgate import DataError
from lockgate.tuning.results import TUNING_FORMAT, checked_tuning


def test_those_of_today_are_given_back(searched):
    assert checked_tuning(searched.results) is searched.results


@pytest.mark.parametrize("content", [None, [], {}, {"format_version": 2, "rungs": []}])
def test_other_content_is_refused(content):
    with pytest.raises(DataError, match=r"results must be those of a search \(lockgate tune\)"):
        checked_tuning(content)


def test_another_format_is_refused_with_the_command_that_repeats_it(searched):
    other = {**searched.results, "format_version": TUNING_FORMAT + 1}

    with pytest.raises(DataError, match=r"must have format_version 1, got 2: repeat it, lockgate"):
        checked_tuning(other)
    del other["command"]
    with pytest.raises(DataError, match=r"must have format_version 1, got 2$"):
        checked_tuning(other)
