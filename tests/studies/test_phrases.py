"""Changes, chances and spans of time in words."""

import pytest

from lockgate.studies.phrases import chance, change, compared, error_name, signed, signed_percent


def test_numbers_have_a_sign_and_the_minus_is_no_hyphen() -> None:
    assert [signed(v) for v in (-4.04, 0.26, 0.0, 12)] == ["\u22124.0", "+0.3", "+0.0", "+12.0"]
    assert signed_percent(-0.5) == "\u22120.5 %"


def test_of_large_changes_no_decimals_are_told() -> None:
    effect = {"percent": 10474.8, "low": 94.6, "high": 574563.6}

    assert signed(1250.4) == "+1,250"
    assert change(effect) == "10,475 % [94.6, 574,564]"
    assert compared(effect, "mae") == "10,475 % larger errors"


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((-6.0, -9.0, -3.0), "6.0 % [3.0, 9.0]"),
        ((-6.0, -9.0, 1.0), "6.0 % [−1.0, 9.0]"),
        ((6.0, -1.0, 13.0), "6.0 % [−1.0, 13.0]"),
        ((6.0, None, None), "6.0 %"),
        ((None, None, None), "more than can be told"),
    ],
)
def test_an_interval_turns_around_with_its_change(
    numbers: tuple[float | None, ...], words: str
) -> None:
    percent, low, high = numbers

    assert change({"percent": percent, "low": low, "high": high}) == words


def test_what_is_no_error_goes_by_its_own_name() -> None:
    effect = {"percent": -11.1, "low": -20.0, "high": -2.0}

    assert (error_name("mase"), error_name("log_loss")) == ("error", "log loss")
    assert compared(effect, "mae") == "11.1 % smaller errors"
    assert compared(effect, "log_loss", interval=True) == "11.1 % [2.0, 20.0] less log loss"
    assert compared({**effect, "percent": None}, "mae") == "far larger errors"


def test_nothing_is_certain() -> None:
    assert [chance(value) for value in (0.0, 1.0)] == [
        "1 % likely to help",
        "99 % likely to help",
    ]
