"""Levels and quantiles become columns; a faulty one is told."""

import pytest

from lockgate import DataError
from lockgate.tasks.forecasting.asked import asked_for


def test_a_level_is_the_two_quantiles_at_its_ends() -> None:
    levels = asked_for([80, 95.5], None)

    assert [*levels] == [
        "forecast-lo-80",
        "forecast-hi-80",
        "forecast-lo-95.5",
        "forecast-hi-95.5",
    ]
    ends = asked_for(None, [0.1, 0.9, 0.0225, 0.9775])
    assert [*levels.values()] == pytest.approx([*ends.values()])


def test_a_single_number_is_a_level() -> None:
    assert asked_for(90, None) == asked_for([90], None)
    assert asked_for(None, None) == {}


@pytest.mark.parametrize(
    ("level", "quantiles", "message"),
    [
        ([0], None, "level must be numbers above 0 and below 100, in per cent, got 0"),
        ([100], None, "level must be numbers above 0 and below 100, in per cent, got 100"),
        (["80"], None, "level must be numbers above 0 and below 100, in per cent, got '80'"),
        ([True], None, "level must be numbers above 0 and below 100, in per cent, got True"),
        (None, [90], "quantiles must be numbers above 0 and below 1, got 90"),
        ([80], [0.1], "level must be left out where quantiles are given; pass one of them"),
    ],
)
def test_what_cannot_be_is_told(level, quantiles, message: str) -> None:
    with pytest.raises(DataError, match=f"^{message}$"):
        asked_for(level, quantiles)
