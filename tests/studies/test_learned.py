"""What is delivered is fitted, calibrated and mixed by what the rounds told of unseen rows."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lockgate import DataError
from lockgate.scoring.mixture import mixing_weight
from lockgate.settings import resolve
from lockgate.studies.delivery import side_by_side
from lockgate.studies.gather import Judged
from lockgate.studies.learned import Learned, deliver_learned, learn
from lockgate.tasks.base import Candidate, ignore
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.task import TASK

TRUTH = np.linspace(1.0, 3.0, 40)


def stretch(fold: int, ridge: float) -> Any:
    """A fold of 40 rows whose ridge is off by `ridge`."""
    rng = np.random.default_rng(fold)
    noise = rng.normal(size=40)
    scorer = SimpleNamespace(
        scores=lambda prediction: {"mae": float(np.abs(prediction - TRUTH).mean())},
        losses=lambda prediction: np.abs(prediction - TRUTH),
    )
    naive = [
        SimpleNamespace(name="ridge", judged=TRUTH + ridge * noise),
        SimpleNamespace(name="last value", judged=TRUTH + 5.0),
    ]
    name = SimpleNamespace(name=f"fold-{fold}")
    return SimpleNamespace(scorer=scorer, naive=naive, fold=name)


def fit(seed: int, epoch: float = 4.0, temperature: float = 1.0, diverged: bool = False) -> Any:
    history = SimpleNamespace(best_epoch=epoch)
    return SimpleNamespace(
        rung="gru", seed=seed, history=history, temperature=temperature, diverged=diverged
    )


def played(network: float, ridge: float, fits: Any) -> Any:
    """Two passes over two folds, whose networks are off by `network`."""
    stretches = [stretch(fold, ridge) for fold in range(2)]
    rounds = []
    for number in range(4):
        noise = np.random.default_rng(10 + number).normal(size=40)
        prediction = TRUTH + network * noise
        rounds.append(Judged(number + 1, number % 2, stretches[number % 2], {"gru": prediction}))
    return SimpleNamespace(rounds=tuple(rounds), fits=tuple(fits))


@pytest.fixture
def config() -> Any:
    return resolve(ForecastConfig, {"target": "y", "horizon": 1, "metric": "mae"})


KNOWN = (
    Candidate("last value", "", lambda part: np.zeros(1)),  # noqa: ARG005
    Candidate("ridge", "", lambda part: np.zeros(1)),  # noqa: ARG005
)


def test_steps_and_temperature_are_medians_over_the_rounds_that_were_judged(config: Any) -> None:
    # the fit of round 0 chose the cell, and one diverged
    fits = [fit(0, 50.0, 9.0), fit(1, 3.0, 0.5), fit(2, 5.0, 2.0), fit(3, 7.0, 8.0)]
    fits.append(fit(4, 90.0, 0.1, diverged=True))

    found = learn(TASK, config, KNOWN, played(0.1, 0.1, fits), "gru")

    assert found.epochs == 5.0
    assert found.temperature == pytest.approx(2.0)
    with pytest.raises(DataError, match="training diverged in its first epoch"):
        learn(TASK, config, KNOWN, played(0.1, 0.1, [fit(1, diverged=True)]), "gru")


@pytest.mark.parametrize(("network", "ridge", "weight"), [(0.2, 0.2, 0.6), (0.0, 0.2, 1.0)])
def test_the_weight_is_the_best_on_the_rows_judged_of_the_mean_of_passes(
    config: Any, network: float, ridge: float, weight: float
) -> None:
    told = played(network, ridge, [fit(1)])

    found = learn(TASK, config, KNOWN, told, "gru")

    assert found.baseline == "ridge"  # the best in every fold
    # the mean of two passes has half the variance of the ridge: 2/3 for squares, near it here
    assert found.weight == pytest.approx(weight, abs=0.15)
    networks = [
        np.mean([told.rounds[k].predictions["gru"], told.rounds[k + 2].predictions["gru"]], axis=0)
        for k in range(2)
    ]
    mixed = [
        found.weight * own + (1 - found.weight) * one.stretch.naive[0].judged
        for own, one in zip(networks, told.rounds, strict=False)
    ]
    assert found.scores["mae"] == pytest.approx(np.mean([np.abs(m - TRUTH).mean() for m in mixed]))


def test_nothing_is_mixed_where_that_is_not_wanted_or_cannot_be(config: Any) -> None:
    told = played(0.1, 0.1, [fit(1)])
    plain = config.model_copy(update={"mix": False})

    assert learn(TASK, plain, KNOWN, told, "gru")[2:5] == (1.0, None, "mix is false")
    assert learn(TASK, config, (), told, "gru")[2:5] == (1.0, None, "none was computed")
    lost = (Candidate("drift", "", lambda part: np.zeros(1)),)  # noqa: ARG005
    found = learn(TASK, config, lost, told, "gru")
    assert found[2:5] == (1.0, None, "none has a finite mae in every fold")


def test_no_fold_has_a_part_in_the_weight_by_which_it_is_held_out(config: Any) -> None:
    told = played(1.0, 1.0, [fit(1)])
    compared = (Candidate("ridge", "", lambda part: np.zeros(1)),)  # noqa: ARG005

    held_out = learn(TASK, config, compared, told, "gru").held_out

    first, second = (one.stretch for one in told.rounds[:2])
    assert [one.name for one in held_out] == ["fold-0", "fold-1"]
    assert [one.scorer for one in held_out] == [first.scorer, second.scorer]
    for mine, other, number in ((first, second, 0), (second, first, 1)):
        own, others = (
            np.mean([one.predictions["gru"] for one in told.rounds if one.stretch is fold], axis=0)
            for fold in (mine, other)
        )
        weight = mixing_weight(other.scorer.losses, others, other.naive[0].judged)
        expected = weight * own + (1.0 - weight) * mine.naive[0].judged
        np.testing.assert_allclose(held_out[number].prediction, expected)


def test_without_a_mixture_the_networks_are_held_out(config: Any) -> None:
    told = played(1.0, 1.0, [fit(1)])

    held_out = learn(TASK, config.model_copy(update={"mix": False}), (), told, "gru").held_out

    mean = np.mean([told.rounds[k].predictions["gru"] for k in (0, 2)], axis=0)
    np.testing.assert_allclose(held_out[0].prediction, mean)


def test_the_spreads_of_held_out_rows_are_the_means_over_rounds(config: Any) -> None:
    told = played(1.0, 1.0, [fit(1)])
    rounds = tuple(
        one._replace(spreads={"gru": np.full(40, float(number)), "lstm": np.full(40, 99.0)})
        for number, one in enumerate(told.rounds)
    )
    with_spreads = SimpleNamespace(rounds=rounds, fits=told.fits)

    held_out = learn(TASK, config, KNOWN, with_spreads, "gru").held_out

    # the first pass is rounds 0 and 1, the second over the same folds 2 and 3
    assert [float(one.spreads[0]) for one in held_out] == [1.0, 2.0]  # type: ignore[index]
    assert [one.spreads for one in learn(TASK, config, KNOWN, told, "gru").held_out] == [None] * 2


def test_members_take_the_epochs_told_on_all_but_the_test_part(table: Any, small: Any) -> None:
    config = resolve(ForecastConfig, {**small, "members": 2, "mix": True, "batch_size": 32})
    data = TASK.read(table, config)
    prepared = TASK.prepare(data, config)
    asked = []
    fit_them = side_by_side(TASK, prepared, 1, lambda *_: ignore)

    def fit_all(members: Any) -> Any:
        asked.extend(members)
        return fit_them(members)

    told = Learned(1.5, 1.0, 0.25, "ridge", None, {"mae": 1.0}, ())
    compared = TASK.baselines(data, prepared, config)

    delivery = deliver_learned(TASK, data, prepared, config, fit_all, told, compared)

    windows = len(TASK.part(prepared, "development"))
    steps = round(1.5 * math.ceil(windows / 32))
    assert [(one.learn, one.stop, one.config.training.max_steps) for one in asked] == [
        ("development", None, steps)
    ] * 2
    assert (delivery.members, delivery.weight) == (2, 0.25)
    assert delivery.fitted.config == config  # type: ignore[attr-defined]
    assert delivery.baseline is not None
    networks = TASK.predict(TASK.committees.mixed(delivery.fitted, None, 1.0), prepared, "test")
    mixed = TASK.predict(delivery.fitted, prepared, "test")
    np.testing.assert_allclose(
        mixed, 0.25 * networks + 0.75 * delivery.baseline.predict("test"), rtol=1e-5
    )
