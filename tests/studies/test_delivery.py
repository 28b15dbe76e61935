"""What is delivered has learned from all but the test part, by what no weight was learned from."""

import signal
import threading
import time

import numpy as np
import polars as pl
import pytest
import torch

import lockgate
from lockgate import DataError
from lockgate.running.local import one_thread
from lockgate.scoring.mixture import mixing_weight
from lockgate.settings import resolve
from lockgate.studies.delivery import Member, deliver, frozen, is_single, side_by_side
from lockgate.tasks.base import Candidate, Compared, ignore
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.task import TASK
from lockgate.tasks.language.task import TASK as LANGUAGE
from lockgate.training import group
from lockgate.training.group import Group
from lockgate.training.history import History


@pytest.fixture
def delivered(table, small):
    """Deliver from a table; give also the fits that were asked for."""

    def run(change=lambda fits: fits, rows=table, task=TASK, **settings):
        config = resolve(ForecastConfig, {**small, "members": 3, "mix": True, **settings})
        data = TASK.read(rows, config)
        prepared, asked = TASK.prepare(data, config), []
        fit_them = side_by_side(TASK, prepared, 2, lambda *_: ignore)

        def fit_all(members):
            asked.append(members)
            return change(fit_them(members))

        return deliver(task, data, prepared, config, fit_all), asked, prepared

    return run


def test_members_are_fitted_again_with_their_steps_to_all_but_the_test_part(delivered):
    delivery, (first, again), _ = delivered(max_epochs=4)

    assert [(one.seed, one.learn, one.stop) for one in first] == [
        (seed, "train", "stopping") for seed in range(3)
    ]
    assert [(one.seed, one.learn, one.stop) for one in again] == [
        (seed, "development", None) for seed in range(3)
    ]
    steps = [history.kept_steps for history in delivery.histories]
    assert [one.config.training.max_steps for one in again] == steps
    assert len(delivery.fitted.models) == delivery.members == 3
    assert delivery.fitted.config.training.max_steps is None


def test_the_weight_is_the_best_on_the_half_that_stopped_nothing(delivered, table):
    delivery, _, prepared = delivered(max_epochs=5, learning_rate=0.01)
    data = TASK.read(table, delivery.fitted.config)
    truth = TASK.scorer(data, prepared, delivery.fitted.config, "mixing")
    networks = TASK.predict(delivery.tried, prepared, "mixing")
    known = {one.name: one.predict("mixing") for one in delivery.compared.baselines}
    best = min(known, key=lambda name: truth.scores(known[name])["mae"])

    def loss(weight):
        return truth.losses(weight * networks + (1 - weight) * known[best]).mean()

    assert delivery.baseline.name == best
    grid = np.linspace(0, 1, 1001)
    assert loss(delivery.weight) <= min(loss(weight) for weight in grid) * (1 + 1e-6)


def test_intervals_are_told_by_the_half_that_stopped_nothing(delivered, table):
    delivery, _, prepared = delivered(max_epochs=5, learning_rate=0.01)
    data = TASK.read(table, delivery.fitted.config)
    truth = TASK.scorer(data, prepared, delivery.fitted.config, "mixing")
    networks = TASK.predict(delivery.tried, prepared, "mixing")
    known = {one.name: one.predict("mixing") for one in delivery.compared.baselines}
    theirs = known[delivery.baseline.name]
    fifths = np.arange(len(networks)) * 5 // len(networks)
    mixed = np.empty_like(networks)
    for fifth in range(5):
        own = fifths == fifth

        def losses(prediction, rest=~own):
            return truth.losses(prediction)[rest]

        weight = mixing_weight(losses, networks, theirs)
        mixed[own] = (weight * networks + (1 - weight) * theirs)[own]

    np.testing.assert_allclose(
        delivery.fitted.intervals.errors, truth.truth - mixed, rtol=1e-3, atol=1e-4
    )


def test_errors_held_out_are_in_the_spreads_forecast_for_them(delivered, table):
    delivery, _, prepared = delivered(max_epochs=5, learning_rate=0.01, head="normal", mix=False)
    data = TASK.read(table, delivery.fitted.config)
    truth = TASK.scorer(data, prepared, delivery.fitted.config, "mixing").truth
    windows = prepared.windows("mixing")
    spreads, off = delivery.tried.spreads(windows), truth - delivery.tried.forecast(windows)

    intervals = delivery.fitted.intervals

    assert intervals.least == pytest.approx(0.05 * np.median(spreads))
    np.testing.assert_allclose(intervals.errors, off / spreads, rtol=1e-4)


def test_a_single_network_that_validation_stopped_has_no_intervals(table, small, tmp_path):
    told = {**small, "members": 1, "mix": False}
    single, _ = lockgate.train(table, out=tmp_path / "one", **told)

    assert single.intervals is None
    with pytest.raises(DataError, match=r"^level must be left out of this model: no forecasts"):
        single.predict(table, level=[80])


def test_what_lies_in_the_test_part_changes_nothing(delivered, table):
    delivery, _, prepared = delivered()
    row = int(prepared.split.validation) + 2
    later = table.with_row_index().with_columns(
        sold=pl.when(pl.col("index") >= row).then(table["sold"] * 9 + 5).otherwise(table["sold"])
    )
    other, _, _ = delivered(rows=later.drop("index"))

    assert other.weight == delivery.weight
    for mine, changed in zip(delivery.fitted.models, other.fitted.models, strict=True):
        for weight, same in zip(mine.parameters(), changed.parameters(), strict=True):
            assert np.array_equal(weight.detach(), same.detach())


def test_without_mix_and_of_a_short_validation_part_there_is_no_baseline(delivered):
    delivery, _, _ = delivered(mix=False)
    assert (delivery.baseline, delivery.weight, delivery.why_not_mixed) == (
        None,
        1.0,
        "mix is false",
    )

    delivery, (first, _), _ = delivered(horizon=12, split="0.9,0.05,0.05")
    assert first[0].stop == delivery.judged == "validation"
    assert delivery.baseline is None
    assert delivery.why_not_mixed.startswith("half of the validation part")


class Astray:
    """Forecasting, but with baselines that all lose themselves, or none at all."""

    def __init__(self, names):
        self.names = names

    def __getattr__(self, name):
        return getattr(TASK, name)

    def baselines(self, data, prepared, config, choose):
        forecast = TASK.baselines(data, prepared, config, choose).baselines[0].predict
        lost = [Candidate(name, None, lambda p: forecast(p) * np.nan) for name in self.names]
        return Compared(tuple(lost), ())


@pytest.mark.parametrize(
    ("names", "told"),
    [((), "none was computed"), (("a", "b"), "none has a finite mae on validation")],
)
def test_where_every_baseline_failed_the_networks_are_delivered(delivered, names, told):
    delivery, _, _ = delivered(task=Astray(names))

    assert (delivery.baseline, delivery.weight, delivery.why_not_mixed) == (None, 1.0, told)
    assert delivery.members == 3


@pytest.fixture
def to_fit(table, small):
    """Prepare a table; give it with three fits to do."""
    config = resolve(ForecastConfig, {**small, "members": 3, "max_epochs": 3})
    prepared = TASK.prepare(TASK.read(table, config), config)
    return prepared, [Member(seed, config, "train", "stopping") for seed in range(3)]


def test_fits_side_by_side_are_those_in_turn_to_the_bit(to_fit):
    prepared, members = to_fit
    with one_thread():
        in_turn = side_by_side(TASK, prepared, 1, lambda *_: ignore)(members)
    together = side_by_side(TASK, prepared, 2, lambda *_: ignore)(members)

    for (one, history), (other, same) in zip(in_turn, together, strict=True):
        assert history.validation == same.validation
        for weight, equal in zip(
            one.models[0].parameters(), other.models[0].parameters(), strict=True
        ):
            assert torch.equal(weight, equal)


def test_ctrl_c_keeps_what_the_running_fits_have_learned(to_fit):
    prepared, members = to_fit
    begun = threading.Barrier(2, timeout=20)

    def on_fit(number, fits, doing):
        def on_epoch(history):
            if history.looks == 1:
                begun.wait()
                if number == 2:
                    signal.raise_signal(signal.SIGINT)
                time.sleep(0.7)  # until the main thread has seen it

        return on_epoch

    fits = side_by_side(TASK, prepared, 2, on_fit)(members)

    assert [history.stopped for _, history in fits] == ["interrupted"] * 2
    assert all(history.kept_look for _, history in fits)


def test_a_fit_that_diverged_is_left_out(delivered):
    def spoil(fits):
        fits[1][1].stopped = "diverged"
        return fits

    delivery, (_, again), _ = delivered(spoil)

    assert [one.seed for one in again] == [0, 2]
    assert delivery.members == 1  # of the second fits too the second diverged

    def ruin(fits):
        lost = History(stopped="diverged")
        return [(fitted, lost) for fitted, _ in fits]

    with pytest.raises(DataError, match="diverged in its first epoch: pass a smaller learning_rat"):
        delivered(ruin)


@pytest.mark.parametrize("phase", [0, 1])
def test_an_interruption_delivers_the_networks_so_far(delivered, phase):
    calls = []

    def interrupt(fits):
        calls.append(fits)
        if len(calls) == phase + 1:
            fits[1][1].stopped = "interrupted"
            return fits[:2]
        return fits

    delivery, _, _ = delivered(interrupt)

    assert len(delivery.fitted.models) == delivery.members == (2 if phase == 0 else 3)
    assert delivery.why_not_mixed == "training was interrupted"
    assert delivery.interrupted
    assert not delivered()[0].interrupted


def test_frozen_is_as_many_steps_as_led_to_the_weights_kept():
    config = resolve(ForecastConfig, {"target": "y", "horizon": 1, "patience": 3})
    history = History(validation=[3.0, 1.0, 2.0], steps=[4, 8, 12])

    training = frozen(config, history).training

    assert (training.max_steps, training.max_epochs) == (8, 8)
    assert training.learning_rate == config.training.learning_rate


def test_one_network_without_a_mixture_is_single():
    for settings, single in (
        ({"members": 1, "mix": False}, True),
        ({"members": 1}, False),
        ({"members": 2, "mix": False}, False),
    ):
        config = resolve(ForecastConfig, {"target": "y", "horizon": 1, **settings})
        assert is_single(TASK, config) == single
    assert is_single(LANGUAGE, None)


def test_fits_that_have_all_processes_are_done_one_after_the_other(to_fit, monkeypatch):
    prepared, members = to_fit
    running: list[int] = []

    class Task:
        """Notes when fits run, and where."""

        def train(self, *_, seed, **__):
            assert not running
            assert threading.current_thread() is threading.main_thread()
            running.append(seed)
            time.sleep(0.05)
            return running.pop(), History()

    monkeypatch.setattr(group, "_here", Group(0, 2, 0))

    fits = side_by_side(Task(), prepared, 2, lambda *_: ignore)(members)

    assert [seed for seed, _ in fits] == [0, 1, 2]
