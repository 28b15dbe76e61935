"""Messages name options for both faces, columns that may have been meant, and counts."""

import sys

import pytest

from lockgate.errors import DataError, count_of, listed, nearest, need, option, quoted


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("resample", "1h", 'resample="1h" (--resample 1h)'),
        ("time_format", "%d/%m/%Y", 'time_format="%d/%m/%Y" (--time-format %d/%m/%Y)'),
        ("time", "Date Time", 'time="Date Time" (--time "Date Time")'),
        ("decimal", ",", 'decimal="," (--decimal ",")'),
        ("separator", ";", 'separator=";" (--separator ";")'),
        ("max_gap", 3, "max_gap=3 (--max-gap 3)"),
        ("missing", -9999.0, "missing=-9999.0 (--missing -9999.0)"),
    ],
)
def test_option_is_named_for_python_and_the_shell(name: str, value: object, text: str) -> None:
    assert option(name, value) == text


def test_nearest_names_come_first() -> None:
    assert nearest("co", ["CO", "load"]) == "did you mean 'CO'?"
    assert nearest("pm25", ["pm2.5", "pm10"]).startswith("did you mean 'pm2.5'")
    assert nearest("zzz", ["a", "b"]) == "the columns are a, b"


def test_long_lists_are_cut() -> None:
    assert listed("abc", 3) == "a, b, c"
    assert listed(range(1500), 2) == "0, 1 and 1,498 more"


def test_counts_agree_with_their_noun() -> None:
    assert [count_of(n, "row") for n in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]


def test_data_error_is_a_value_error() -> None:
    assert issubclass(DataError, ValueError)


def test_messages_hold_no_control_characters_and_no_long_values() -> None:
    assert str(DataError("got \x1b[2J\n\ud800é")) == r"got \x1b[2J\n\ud800é"
    assert quoted("\x1b]0;x\x07") == r"'\x1b]0;x\x07'"
    assert len(quoted("x" * 10**6)) == 82
    assert len(listed(["x" * 1000])) == len(quoted([1] * 1000)) == 80
    assert quoted(10**5000) == "a large int"


def test_what_is_not_installed_is_named_with_the_line_that_installs_it(monkeypatch):
    with pytest.raises(ModuleNotFoundError, match=r"interop\.from_x needs nowhere: pip install n"):
        need("nowhere", "lockgate.interop.from_x", "pip install nowhere")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ModuleNotFoundError, match=r'x needs ray: pip install "lockgate\[ray\]"$'):
        need("ray", "x")

    assert need("math", "from_x", "").pi > 3
