"""Curves are those of the history, rates those that were used, scores those of the run."""

import pytest

import lockgate
from lockgate.tracking.curves import curves_of, scores_of
from lockgate.training import fit as fit_module
from lockgate.training.config import TrainingConfig
from lockgate.training.history import History


def test_curves_are_those_of_the_history(config, history):
    curves = curves_of(config.training, history)

    assert curves.steps == [5, 10, 15, 20]
    assert curves.seconds == [1.0, 3.0, 4.5, 5.0]
    assert curves.values == {
        "loss/training": history.training,
        "loss/validation": history.validation,
        "gradient_norm": history.gradient_norm,
        "learning_rate": [0.01] * 4,
        "epoch": [0.5, 1, 1.5, 2],
    }


def test_without_a_validation_part_there_is_no_such_curve(config, history):
    curves = curves_of(config.training, history.model_copy(update={"validation": []}))

    assert "loss/validation" not in curves.values
    assert len(curves.values["epoch"]) == 4


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
@pytest.mark.parametrize("max_steps", [None, 7])
def test_the_rate_is_that_of_the_last_step_before_a_value(
    schedule, max_steps, table, small, tmp_path, monkeypatch
):
    share, shares = fit_module.share_of_rate, []

    def told(*args):
        shares.append(share(*args))
        return shares[-1]

    monkeypatch.setattr(fit_module, "share_of_rate", told)
    settings = {**small, "schedule": schedule, "max_steps": max_steps, "validations": 3}

    fitted, _ = lockgate.train(table, out=tmp_path / "model", **settings)

    training, history = fitted.config.training, History(**fitted.metrics["history"])
    expected = [training.learning_rate * shares[step - 1] for step in history.steps]
    assert curves_of(training, history).values["learning_rate"] == pytest.approx(expected)
    # of a fit that was cut short the end of the schedule is known from its first epoch
    cut = history.model_copy(update={"stopped": "interrupted"})
    assert curves_of(training, cut).values["learning_rate"] == pytest.approx(expected)


def test_the_rate_of_a_schedule_is_left_out_where_the_history_does_not_tell_it():
    history = History(
        training=[1.0], gradient_norm=[1.0], seconds=[1.0], steps=[5], per_epoch=3, stopped="early"
    )

    assert "learning_rate" not in curves_of(TrainingConfig(schedule="cosine"), history).values
    assert "learning_rate" in curves_of(TrainingConfig(), history).values


def test_scores_are_those_of_what_is_delivered_and_what_stands_beside_it(finished):
    metrics, results = finished.best.metrics, finished.results

    scores = scores_of(metrics, results)

    assert scores["test/mae/delivered"] == results["delivered"]["mixture"]["mae"]
    for one in results["baselines"]:
        assert scores[f"test/mase/{one['name']}"] == one["test"]["mase"]
        assert scores[f"validation/mae/{one['name']}"] == one["judged"]["mae"]
    for rung in results["rungs"]:
        assert scores[f"judged/rmse/{rung['name']}"] == rung["judged"]["rmse"]


def test_the_parts_of_a_mixture_stand_apart(table, small, tmp_path):
    settings = {**small, "members": 2, "mix": True}

    fitted, _ = lockgate.train(table, out=tmp_path / "model", **settings)

    scores, delivered = scores_of(fitted.metrics, {}), fitted.metrics["delivered"]
    assert scores["test/mae/one network"] == delivered["single"]["mae"]
    assert scores["test/mae/mean of 2"] == delivered["networks"]["mae"]
    within = f"{delivered['baseline']} in it"
    assert scores[f"test/mae/{within}"] == delivered["refitted"]["mae"]
    assert scores["test/mae/delivered"] == delivered["mixture"]["mae"]
