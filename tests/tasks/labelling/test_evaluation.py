"""A classifier is scored on other data as on its own test part, and by how certain it is."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lockgate
from lockgate.errors import DataError
from lockgate.fitted import evaluate
from lockgate.tasks.labelling.evaluation import LabelEvaluation

SHARED = Path(os.environ.get("LOCKGATE_DATA", Path(__file__).parents[4] / "shared" / "data"))


def test_the_test_part_as_other_data_has_the_scores_of_the_study(
    studied: Any, labelled: Any
) -> None:
    for kind in ("class", "steps", "number", "texts", "several"):
        result, (x, y) = studied(kind), labelled(kind)[0]
        rows = np.load(result.folder / "prepared" / "whole" / "test.npy")

        found = evaluate(result.best, ([x[i] for i in rows], [y[i] for i in rows]), mc_samples=2)

        assert found.scores == pytest.approx(result.results["delivered"]["mixture"], rel=1e-5)
        scored = sum(len(y[i]) for i in rows) if kind == "steps" else len(rows)
        assert (found.rows, found.metric) == (scored, result.results["metric"])
        assert (found.certainty is None) == (kind == "number")
        for name, (low, high) in found.intervals.items():
            assert low <= found.scores[name] <= high, name


def test_other_labels_and_a_single_pass_are_refused(studied: Any, labelled: Any) -> None:
    fitted, source = studied("class").best, labelled("class")[0]

    with pytest.raises(DataError, match="mc_samples must be 2 or more, got 1"):
        evaluate(fitted, source, mc_samples=1)
    with pytest.raises(DataError, match="labels must have occurred in training, got 'fast'"):
        evaluate(fitted, (source[0], ["fast"] * len(source[0])))
    with pytest.raises(
        DataError, match="must have labels as the training part did, class, got steps"
    ):
        evaluate(fitted, (source[0], [["slow"] * len(x) for x in source[0]]))


def test_a_terminal_shows_scores_intervals_and_the_accuracy_of_the_most_certain() -> None:
    shares = [{"share": 1.0, "accuracy": 0.75}, {"share": 0.5, "accuracy": 1.0}]
    drawn = {"samples": 7, "scores": {}, "shares": shares}
    found = LabelEvaluation(
        *("log_loss", "new.csv", 4, ("read as UTF-8",)),
        scores={"accuracy": 0.75, "log_loss": 0.5},
        intervals={"accuracy": (0.5, 1.0), "log_loss": None},
        certainty={"probability": shares, "monte_carlo": drawn},
    )

    scored, certain = found.sections()
    plain = found._replace(certainty={"probability": shares, "monte_carlo": None}).sections()

    assert scored.lines == ("4 rows of new.csv", "note: read as UTF-8")
    assert scored.rows[1] == {"model": "95 % interval", "accuracy": "[0.5, 1]"}
    by_probability = {"certain": "by probability", "100%": "0.750", "50%": "1.000"}
    by_passes = {**by_probability, "certain": "by Monte-Carlo dropout, 7 passes"}
    assert certain.rows == (by_probability, by_passes)
    assert plain[1].rows == (by_probability,)
    assert "drops nothing" in plain[2].lines[0]
    assert len(found._replace(certainty=None).sections()) == 1
    assert found.to_dict()["notices"] == ["read as UTF-8"]


@pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no data folder {SHARED}; LOCKGATE_DATA names another"
)
def test_the_most_certain_of_real_waves_are_decided_best(tmp_path: Path) -> None:
    waves = SHARED / "tsc_aeon"
    told = {"hidden_size": 16, "max_epochs": 30, "learning_rate": 0.01}
    lockgate.train(waves / "ItalyPowerDemand_TRAIN.ts", out=tmp_path / "model", **told)

    found = evaluate(tmp_path / "model", waves / "ItalyPowerDemand_TEST.ts.gz", mc_samples=5)

    told = found.certainty
    assert 0.7 < found.scores["accuracy"] == told["probability"][0]["accuracy"] < 1.0
    for shares in (told["probability"], told["monte_carlo"]["shares"]):
        by_share = {one["share"]: one["accuracy"] for one in shares}
        assert by_share[1.0] < by_share[0.8] <= by_share[0.5]
        assert by_share[0.5] > 0.5 * (1.0 + by_share[1.0])
    # the networks that dropout draws of so small a one are worse than it
    assert 0.8 < told["monte_carlo"]["scores"]["accuracy"] < found.scores["accuracy"]


@pytest.mark.parametrize("kind", ["class", "steps", "number"])
def test_what_has_no_label_is_not_scored(studied: Any, labelled: Any, kind: str) -> None:
    best, (x, y) = studied(kind).best, labelled(kind)[0]
    blank = [[None] * len(y[0]), *y[1:]] if kind == "steps" else [None, *y[1:]]

    found = evaluate(best, (x, blank), mc_samples=2)
    expected = evaluate(best, (x[1:], y[1:]), mc_samples=2)

    assert found.scores == expected.scores
    assert found.rows == expected.rows
    assert found.notices[-1].startswith("1 sequence without a label left out, row 1")
