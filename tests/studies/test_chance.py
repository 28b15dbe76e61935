"""The variance of an effect is right on average, however the noise came about."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter
from simulated import RUNGS, Setting, draw

from lockgate.studies.chance import Chances, Effect, noisiness, shared_rows
from lockgate.studies.evidence import Evidence, Round
from lockgate.studies.variances import NOTHING, Part, interaction, within_columns

PAIR = (RUNGS.index("input"), RUNGS.index("lstm"))


def effects(setting, studies, passes=2, pair=PAIR):
    """The effect of a pair in many studies, at a look."""
    rng = np.random.default_rng(0)
    tables = (draw(rng, setting, [0.0] * 6)[0] for _ in range(studies))
    return [Chances(table, passes).of(*pair) for table in tables]


@pytest.mark.parametrize(
    ("setting", "passes", "most"),
    [
        (Setting(rows=0.0), 2, 1.7),
        (Setting(rows=0.10, fits=0.003), 2, 1.4),
        (Setting(rows=0.05), 2, 1.55),
        (Setting(rows=0.05, rounds=5), 1, 1.9),
        (Setting(rows=0.05, rounds=30), 6, 1.55),
        (Setting(rows=0.05, memory=0.4, rounds=30), 6, 1.5),
        (Setting(folds=0.02, rows=0.0, rounds=20), 4, shared_rows(5) + 0.1),
        (Setting(folds=0.02, shared=0.2, rows=0.0, rounds=20), 4, 1.2),
        (Setting(folds=0.02, alike=0.5, rows=0.0, rounds=20, of=10), 2, 2.0),
        (Setting(folds=0.02, alike=0.5, rows=0.0, fits=0.005, of=10), 1, 1.6),
        (Setting(anew=True, rows=0.05), 2, 1.25),
        (Setting(anew=True, rows=0.05, rounds=30), 6, 1.25),
    ],
    ids=[
        *("fits", "rows", "both", "one-pass", "six-passes", "dependent-rows"),
        *("folds", "shared-rows", "like-the-next", "like-the-next-one-pass"),
        *("labels", "labels-six-passes"),
    ],
)
def test_the_variance_is_right_on_average_and_never_too_small(setting, passes, most):
    """The folds' part is no less than 0 and is multiplied, and so too large where there is none."""
    found = effects(dataclasses.replace(setting, chosen=False), 300, passes)

    truth = np.var([effect.d for effect in found])
    ratio = np.mean([effect.variance for effect in found]) / truth
    assert 0.85 < ratio < most  # the standard error of the truth is 8 %


def test_the_variance_is_right_for_windows_that_overlap():
    """Through the rows: windows of 12 steps whose errors last, a root of a mean, four folds."""
    rng = np.random.default_rng(5)
    places = np.repeat(np.arange(4), 150)
    found = []
    for _ in range(150):
        noise = lfilter([0.6], [1, -0.8], rng.normal(size=(2, 700)))[:, -611:]
        windows = np.lib.stride_tricks.sliding_window_view(np.exp(0.4 * noise), 12, axis=1)
        lost = dict(zip("ab", windows.sum(axis=2), strict=True))
        rounds = [
            Round(fold, rows, {r: v[rows] * rng.lognormal(0, 0.02) for r, v in lost.items()})
            for _ in range(2)
            for fold in range(4)
            for rows in [np.flatnonzero(places == fold)]
        ]
        evidence = Evidence(rounds, 4, np.full(600, 12.0), 0.5, places=places, horizon=12)
        found.append(Chances(evidence.table(), 2).of(0, 1))

    ratio = np.mean([effect.variance for effect in found]) / np.var([e.d for e in found])

    assert 0.8 < ratio < 1.7


def test_a_noisy_rung_has_its_own_variance_and_leaves_the_others_alone():
    calm = Setting(rows=0.0, rounds=20, chosen=False)
    noisy = dataclasses.replace(calm, noisy="stacked", noisier=5.0)
    loud = (RUNGS.index("stacked"), PAIR[1])

    own = np.mean([effect.variance for effect in effects(noisy, 100, 4, loud)])
    others = np.mean([effect.variance for effect in effects(noisy, 100, 4)])

    assert own == pytest.approx((25 + 1) * 0.02**2 / 20, rel=0.25)
    assert others == pytest.approx(
        np.mean([effect.variance for effect in effects(calm, 100, 4)]), rel=0.1
    )


def test_noisiness_is_that_of_each_column_beside_the_mean_of_the_others():
    tables = np.random.default_rng(0).normal(size=(2, 4, 5))
    tables[:, :, 3] *= 4

    quantiles = noisiness(tables)

    for column in range(5):
        others = np.delete(tables, column, axis=2)
        own = within_columns((tables[:, :, column] - others.mean(axis=2)).T)
        rest = interaction(others)
        ratio = own.variance / (rest.variance * 1.25)
        assert quantiles[column] == pytest.approx(stats.f.cdf(ratio, own.dof, rest.dof))
    assert quantiles[3] > 0.99


def test_columns_without_noise_are_not_noisy():
    assert noisiness(np.zeros((1, 5, 4))).tolist() == [0.0] * 4


def test_a_single_part_has_its_quantile_of_t_and_several_their_mean():
    one = Effect(0.0, 10, (Part(0.04, 7.0),), NOTHING, NOTHING)
    two = Effect(0.0, 10, (Part(0.03, 7.0),), NOTHING, Part(0.01, 3.0))

    t_7, t_3 = stats.t.isf(0.005, [7, 3])
    assert one.half_width(0.01) == pytest.approx(0.2 * t_7)
    assert two.half_width(0.01) == pytest.approx(0.2 * (0.75 * t_7 + 0.25 * t_3))


def test_rounds_lower_the_fits_alone():
    effect = Effect(0.0, 10, (Part(0.03, 7.0),), Part(0.02, 4.0), Part(0.01, 3.0))

    assert effect.after(30).variance == pytest.approx(0.01 + 0.02 + 0.01)
    assert effect.after(math.inf).variance == pytest.approx(0.02 + 0.01)


def test_a_fit_that_is_missing_takes_its_round_from_its_pairs_alone():
    table, _ = draw(np.random.default_rng(3), Setting(chosen=False), [0.0] * 6)
    logs = table.logs.copy()
    logs[1, 2, PAIR[0]] = np.nan
    seen = Chances(dataclasses.replace(table, logs=logs), 2)
    ratios = logs[:, :, PAIR[0]] - logs[:, :, PAIR[1]]

    effect, other = seen.of(*PAIR), seen.of(RUNGS.index("both"), PAIR[1])

    assert (effect.rounds, other.rounds) == (9, 10)
    assert effect.d == pytest.approx(np.nanmean(ratios))
    assert math.isfinite(effect.variance)


@pytest.mark.parametrize("anew", [False, True], ids=["forecasts", "labels"])
def test_a_pair_that_no_rung_shares_its_rounds_with_is_judged_by_itself(anew):
    """Two rungs, one of which lacks a round: there is nothing to pool."""
    found = []
    rng = np.random.default_rng(2)
    for _ in range(300):
        table, _ = draw(rng, Setting(chosen=False, rows=0.0, anew=anew), [0.0] * 6)
        logs, moves = table.logs[:, :, PAIR].copy(), table.moves[:, :, PAIR].copy()
        logs[0, 3, 0], moves[0, 3, 0] = np.nan, np.nan
        alone = dataclasses.replace(table, rungs=("a", "b"), logs=logs, moves=moves)
        found.append(Chances(alone, 2).of(0, 1))

    ratio = np.mean([effect.variance for effect in found]) / np.var([e.d for e in found])

    assert {part.dof for effect in found for part in effect.fits} == {8.0 if anew else 4.0}
    assert 0.85 < ratio < 1.35


def test_folds_stay_known_while_rungs_rest():
    table, _ = draw(np.random.default_rng(3), Setting(rounds=20, chosen=False), [0.0] * 6)
    logs = table.logs.copy()
    logs[2:, :, [n for n in range(len(RUNGS)) if n not in PAIR]] = np.nan
    whole, rest = Chances(table, 2), Chances(dataclasses.replace(table, logs=logs), 4)

    assert rest.of(*PAIR).folds == whole.of(*PAIR).folds
    assert rest.of(*PAIR).rounds == 20


def test_too_few_rounds_tell_no_variance():
    table, _ = draw(np.random.default_rng(3), Setting(rounds=5), [0.0] * 6)
    logs = table.logs.copy()
    logs[0, :3, PAIR[0]] = np.nan

    assert Chances(dataclasses.replace(table, logs=logs), 1).of(*PAIR) is None
