"""A fold of a series learns from its training rows alone, and sees nothing behind its stretch."""

import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.base import PARTS
from lockgate.tasks.folds import Fold, Folds, Round
from lockgate.tasks.forecasting import choose
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.forecasting.rounds import LEAST_HORIZONS
from lockgate.tasks.forecasting.table import Table
from lockgate.tasks.forecasting.task import TASK

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("LOCKGATE_DATA", ROOT.parent / "shared" / "data"))
BOTH = pytest.mark.parametrize("window", ["expanding", "rolling"])


@pytest.fixture
def laid(table, small):
    """Read the table and lay out its folds."""

    def lay(frame: pl.DataFrame = table, **told: Any) -> tuple[Table, ForecastConfig, Folds]:
        config = resolve(ForecastConfig, {**small, **told})
        data = TASK.read(frame, config)
        return data, config, TASK.rounds.folds(data, TASK.prepare(data, config), config)

    return lay


def perturbed(table: Table, rows: range) -> Table:
    """Put other values into rows, and holes between them."""
    values = np.random.default_rng(1).normal(1e4, 1e3, len(rows))
    other = pl.Series(values).set(pl.Series(np.arange(len(rows)) % 5 == 1), None)
    columns = [c for c in table.frame.columns if c not in ("unique_id", "ds")]
    frame = table.frame.with_columns(
        table.frame[column].scatter(list(rows), other.to_list()) for column in columns
    )
    return replace(table, frame=frame)


def learned(one: Round) -> list[Any]:
    prepared = one.prepared
    linear = prepared.linear
    ridge = [] if linear is None else [*linear.ridge.tensors().values(), linear.training]
    return [prepared.preprocessing, prepared.choices, *(part.numpy().tobytes() for part in ridge)]


def weights(one: Round, config: ForecastConfig) -> list[bytes]:
    fitted, _ = TASK.train(one.prepared, config)
    return [value.numpy().tobytes() for value in fitted.model.state_dict().values()]


def test_folds_are_before_the_test_part_and_cover_half_of_it(laid) -> None:
    data, config, (folds, why_few) = laid(split=("2020-10-01", "2020-12-15"))

    test = TASK.prepare(data, config).split.rows("test")
    judged = [row for fold in folds for row in fold.judged]
    assert judged == list(range(test.start // 2, test.start))
    assert (len(folds), why_few) == (5, None)
    prepared = TASK.prepare(data, config)
    assert TASK.rounds.folds(data, prepared, config, of_pass=3) == (folds, None)


@BOTH
@pytest.mark.parametrize("gap", ["0", 2, "3d"])
def test_windows_of_a_fold_lie_in_its_rows_and_are_told_by_rows_of_the_table(
    laid, window: str, gap: Any
) -> None:
    data, config, (folds, _) = laid(window=window, gap=gap)

    y = data.frame["y"].to_numpy()
    steps = {"0": 0, 2: 2, "3d": 3}[gap]
    for fold in folds:
        own, prepared = TASK.rounds.prepare(data, config, fold)
        horizon = prepared.preprocessing.horizon
        assert own.frame["ds"][0] == data.frame["ds"][fold.train[0]]
        assert fold.stopping[0] - fold.train[-1] - 1 == steps
        for part, rows in zip(PARTS, fold[2:], strict=True):
            windows = prepared.windows(part)
            targets = windows.origins.numpy()[:, None] + 1 + np.arange(horizon) + fold.train[0]
            assert targets.min() >= rows[0]
            assert targets.max() == rows[-1]
            truth = windows.invert(windows.truth().numpy())
            np.testing.assert_allclose(truth, y[targets], rtol=1e-5)
        scorer = TASK.scorer(own, prepared, config, "test")
        judged = TASK.rounds.judged(fold, prepared, scorer)
        np.testing.assert_allclose(scorer.truth[:, 0], y[judged + 1], rtol=1e-5)
        assert len(judged) == len(scorer.losses(scorer.truth))
    assert all(a.judged[-1] + 1 == b.judged[0] for a, b in pairwise(folds))


@BOTH
def test_what_is_not_of_a_fold_changes_nothing_in_it(
    laid, window: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choose, "TRIAL_STEPS", 3)
    auto = {"normalise": "auto", "linear_path": "on"}
    data, config, (folds, _) = laid(window=window, gap=1, **auto)

    for fold in folds:
        before, after = range(fold.train[0]), range(fold.judged[-1] + 1, len(data.frame))
        canary = perturbed(perturbed(data, before), after)
        one, other = (TASK.rounds.prepare(each, config, fold) for each in (data, canary))

        assert len(before) + len(after) > 50
        assert learned(one) == learned(other)
        assert len(learned(one)) > 2
        assert len(one.prepared.choices.level_scores) > 1
        for mine, theirs in zip(one.prepared.arrays, other.prepared.arrays, strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert weights(one, config) == weights(other, config)
        assert TASK.planned(*one) == TASK.planned(*other)


@BOTH
def test_what_is_judged_teaches_nothing(laid, window: str) -> None:
    data, config, (folds, _) = laid(window=window, linear_path="on")

    for fold in folds:
        # what is between the parts is read, not learned from
        hidden = range(fold.stopping[-1] + 1, fold.judged[-1] + 1)
        canary = perturbed(data, hidden)
        one, other = (TASK.rounds.prepare(each, config, fold) for each in (data, canary))

        assert learned(one) == learned(other)
        assert weights(one, config) == weights(other, config)
        strengths = [
            [(c.name, c.setting) for c in TASK.baselines(*each, config).baselines]
            for each in (one, other)
        ]
        assert strengths[0] == strengths[1]


def test_each_fold_learns_for_itself(laid) -> None:
    data, config, (folds, _) = laid()

    means = []
    for fold in folds:
        prepared = TASK.rounds.prepare(data, config, fold).prepared
        own = data.frame["y"].to_numpy()[fold.train[0] : fold.train[-1] + 1]
        assert prepared.preprocessing.means[0] == pytest.approx(own.mean())
        means.append(prepared.preprocessing.means[0])
    assert len(set(means)) == len(folds)


def test_a_prepared_fold_is_kept_like_any_other(laid, tmp_path: Path) -> None:
    data, config, (folds, _) = laid(window="rolling", gap=2, linear_path="on")
    prepared = TASK.rounds.prepare(data, config, folds[1]).prepared

    TASK.save(prepared, tmp_path)
    loaded = TASK.load(tmp_path)

    assert learned(Round(data, loaded)) == learned(Round(data, prepared))
    assert loaded.split == prepared.split
    for part in PARTS:
        assert torch.equal(loaded.windows(part).origins, prepared.windows(part).origins)
    fits = [weights(Round(data, each), config) for each in (prepared, loaded)]
    assert fits[0] == fits[1]


@pytest.mark.parametrize(
    ("told", "count", "why"),
    [
        (
            {"horizon": 12},
            3,
            r"47 rows or more, .* 3 horizons, .*has 170 rows; 5 need a horizon of at most 8",
        ),
        ({"lookback": 200}, 2, "3 folds left out, of which a part holds fewer windows than 3"),
        ({"gap": 75}, 4, "no row to learn from is left of 1 fold by gap=75"),
        ({"horizon": 25}, 1, "5 need a horizon of at most 8 steps"),
        ({"horizon": 40}, 0, "5 need a horizon of at most 8 steps"),
        ({"folds": 60}, 15, "has 170 rows$"),
        ({"folds": 2}, 2, None),
    ],
    ids=["horizon", "lookback", "gap", "one", "none", "many", "two"],
)
def test_there_are_as_many_folds_as_hold_windows(laid, told, count: int, why: str | None) -> None:
    _, config, (folds, why_few) = laid(**told)

    assert len(folds) == count
    assert [fold.number for fold in folds] == list(range(count))
    if why is None:
        assert why_few is None
    else:
        with pytest.raises(ValueError, match=why):
            raise ValueError(why_few)
    assert all(len(fold.judged) >= LEAST_HORIZONS * config.data.horizon for fold in folds)


def test_a_fold_whose_stretch_is_a_hole_is_left_out(laid, table: pl.DataFrame) -> None:
    hole = pl.Series(np.arange(len(table)))
    holed = table.with_columns(sold=pl.when(hole.is_between(238, 271)).then(None).otherwise("sold"))

    data, config, (folds, why_few) = laid(holed)

    # it stops the fits of the next fold, which is left out too
    assert [fold.judged[0] for fold in folds] == [170, 204, 306]
    assert str(why_few).startswith("2 folds left out")
    for fold in folds:
        assert len(TASK.rounds.prepare(data, config, fold).prepared.windows("test")) >= 9


def test_what_a_fold_cannot_learn_names_it(laid, table: pl.DataFrame) -> None:
    late = table.with_columns(price=pl.Series([7.0] * 160 + [1.0, 2.0] * 120))

    data, config, (folds, _) = laid(late, inputs="price")

    with pytest.raises(DataError, match=r"^fold 1: inputs must be .* got 'price', .* constant"):
        TASK.rounds.prepare(data, config, folds[0])
    assert TASK.rounds.prepare(data, config, folds[1]).prepared.preprocessing.columns[-1] == "price"


@pytest.mark.parametrize("gap", [-1, "1h", "soon"])
def test_a_gap_is_a_number_of_steps(laid, gap: Any) -> None:
    with pytest.raises(DataError, match="gap must be"):
        laid(gap=gap)


@pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"no data folder {FOLDER}; LOCKGATE_DATA names another"
)
@BOTH
def test_two_years_of_hours_are_folded_into_five(window: str) -> None:
    told = {"target": "OT", "horizon": 24, "lookback": 96, "window": window, "max_steps": 2}
    config = resolve(ForecastConfig, {**told, "hidden_size": 4})
    data = TASK.read(FOLDER / "ett" / "ETTh1.csv.gz", config)
    prepared = TASK.prepare(data, config)

    folds, why_few = TASK.rounds.folds(data, prepared, config)

    assert why_few is None
    assert [len(fold.judged) for fold in folds] == [1480, 1481, 1481, 1481, 1481]
    last: Fold = folds[-1]
    one = TASK.rounds.prepare(data, config, last)
    canary = perturbed(data, range(last.judged[-1] + 1, len(data.frame)))
    other = TASK.rounds.prepare(canary, config, last)
    assert learned(one) == learned(other)
    assert weights(one, config) == weights(other, config)
    assert len(one.prepared.windows("test")) == 1481 - 23


@BOTH
def test_folds_count_the_padded_windows_of_short_series(window: str) -> None:
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 4, 9), "1d", eager=True)
    rng = np.random.default_rng(0)
    begins = {"a": 0, "b": 10, "c": 20, "d": 30, "e": 97}
    parts = [
        pl.DataFrame({"shop": [shop] * len(own), "day": own, "sold": rng.normal(size=len(own))})
        for shop, own in ((shop, days[first:]) for shop, first in begins.items())
    ]
    settings = {"target": "sold", "id": "shop", "horizon": 2, "lookback": 60}
    config = resolve(ForecastConfig, {**settings, "folds": 4, "window": window})
    data = TASK.read(pl.concat(parts), config)
    prepared = TASK.prepare(data, config)

    folds = TASK.rounds.folds(data, prepared, config)

    assert (len(folds.folds), folds.why_few) == (4, None)
    for fold in folds.folds:
        one = TASK.rounds.prepare(data, config, fold).prepared
        train, stopping, judged = (one.windows(part) for part in PARTS)
        least = LEAST_HORIZONS * 2
        assert all(len(part) >= least for part in (train, stopping, judged))
        first, last = int(fold.train[0]), int(fold.train[-1])
        rows = [last + 1 - max(first, begin) for begin in begins.values()]
        # whole windows alone of a series that holds one, else one after each row
        assert len(train) == sum(n - 61 if n >= 62 else max(0, n - 2) for n in rows)
