"""Without Optuna the first use tells what installs it; with it, it stays silent and as it was."""

import sys

import pytest

import lockgate
from lockgate.tuning.optional import optuna, told_little


def test_without_optuna_it_tells_the_line_that_installs_it(
    table, small_tune, monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, "optuna", None)

    with pytest.raises(ModuleNotFoundError, match=r"lockgate\.tune needs optuna: pip install") as e:
        lockgate.tune(table, out=tmp_path / "x", **small_tune)

    assert str(e.value).endswith('pip install "lockgate[tune]"')
    assert e.value.name == "optuna"
    assert not (tmp_path / "x").exists()


def test_optuna_is_told_to_be_silent_for_a_while(capsys):
    logging = optuna().logging
    before = logging.get_verbosity()

    with told_little():
        optuna().create_study()

    assert logging.get_verbosity() == before
    assert capsys.readouterr().err == ""
