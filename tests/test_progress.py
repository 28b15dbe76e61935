"""Bars count fits and epochs on standard error, unless steps are told or nothing shall be."""

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from lockgate.progress import BacktestProgress, FitProgress, Steps, StudyProgress, bars_are_shown

HISTORY = SimpleNamespace(training=[0.5, 0.25], validation=[1.0, 0.75], best_epoch=2, epochs=2)


@pytest.fixture(params=[logging.INFO, logging.WARNING, logging.ERROR])
def level(request: pytest.FixtureRequest) -> Iterator[int]:
    logger = logging.getLogger("lockgate")
    before = logger.level
    logger.setLevel(request.param)
    yield request.param
    logger.setLevel(before)


def test_bars_are_shown_at_the_usual_level_alone(level: int) -> None:
    assert bars_are_shown() == (level == logging.WARNING)


def test_epochs_are_counted_with_their_losses(level: int, capsys: Any) -> None:
    history: Any = HISTORY
    with FitProgress(3) as progress:
        progress.on_fit(1, 1, "fit")(history)

    shown = capsys.readouterr()
    assert shown.out == ""
    if level != logging.WARNING:
        assert shown.err == ""
        return
    assert "training 0.2500, validation 0.7500, best epoch 2" in shown.err
    assert "2/3" in shown.err


def test_fits_are_counted(level: int, capsys: Any) -> None:
    plan: Any = SimpleNamespace(fits=2)
    fit: Any = SimpleNamespace(rung="lstm", seed=0, history=HISTORY)
    with StudyProgress() as progress:
        progress.on_plan(plan)
        progress.on_fit(fit, 1, 2)
        progress.on_fit(fit, 2, 2)

    shown = capsys.readouterr()
    assert shown.out == ""
    if level == logging.WARNING:
        assert "fits done" in shown.err
        assert "2/2" in shown.err
    else:
        assert shown.err == ""


def test_cutoffs_are_counted_with_the_fit_that_runs(level: int, capsys: Any) -> None:
    history: Any = HISTORY
    plan: Any = SimpleNamespace(cutoffs=(0, 1))
    with BacktestProgress(on_plan=lambda _: print("the plan")) as progress:
        progress.on_step("reading")
        progress.on_plan(plan)
        progress.on_refit(1, 2)
        progress.on_fit(3, 5, "fit")(history)
        progress.on_cutoff(1, 2)
        progress.on_refit(2, 2)
        progress.on_fit(1, 1, "fit")(history)

    shown = capsys.readouterr()
    assert shown.out == "the plan\n"
    if level == logging.WARNING:
        assert "fit 2 of 2: epoch 2" in shown.err
        assert "1/2" in shown.err
    else:
        assert shown.err == ""


def test_an_error_before_the_plan_shows_no_bar_and_no_empty_line(level: int, capsys: Any) -> None:
    with pytest.raises(ValueError, match="no table"), StudyProgress():
        raise ValueError("no table")

    assert capsys.readouterr().err == ""


def test_a_step_is_shown_on_a_terminal_and_cleared_before_the_plan(
    level: int, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm")
    plan: Any = SimpleNamespace(fits=2)
    with StudyProgress(on_prepared=lambda _: print("the plan")) as progress:
        progress.on_step("reading [a].csv")
        shown = capsys.readouterr()
        progress.on_prepared(plan)
        cleared = capsys.readouterr()

    assert ("reading [a].csv" in shown.err) == (level == logging.WARNING)
    assert shown.out == ""
    assert cleared.out == "the plan\n"
    assert cleared.err.endswith("\x1b[2K") == (level == logging.WARNING)


def test_nothing_of_a_step_goes_to_a_file(capsys: Any) -> None:
    with Steps() as steps:
        steps.on_step("reading")
        steps.pause()

    assert capsys.readouterr() == ("", "")
