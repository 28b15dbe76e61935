"""What is shown of a network's predictions agrees with its scores and with the rows it names."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from lockgate.studies.config import study_config
from lockgate.tasks.labelling import shown as shown_module
from lockgate.tasks.labelling.config import LabelConfig, LabelledConfig
from lockgate.tasks.labelling.ladder import LADDER
from lockgate.tasks.labelling.scores import macro_f1
from lockgate.tasks.labelling.shown import certainty
from lockgate.tasks.labelling.task import TASK as LABELLING
from lockgate.tasks.stack.rungs import default_names

CONFIG = study_config(LabelConfig, default_names(LADDER))


KINDS = ("class", "steps", "number", "texts", "several")


ALL = pytest.mark.parametrize("kind", KINDS)


TEXTS = ("texts", "several")


CLASS_SCORES = {"accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error"}


def rung(results: Any, name: str) -> Any:
    return next(rung for rung in results["rungs"] if rung["name"] == name)


def scores_of(kind: str) -> set[str]:
    return {"mae", "rmse"} if kind == "number" else CLASS_SCORES


@ALL
def test_what_is_shown_agrees_with_the_scores(studied: Any, kind: str) -> None:
    result = studied(kind)
    shown, scores = result.results["labels"], result.results["delivered"]["mixture"]
    reference = next(b for b in result.results["baselines"] if b["reference"])

    assert shown["reference"] == reference["name"]
    intervals = scores_of(kind) - {"calibration_error"}
    assert {row["name"] for row in shown["scores"]} == intervals
    for row in shown["scores"]:
        assert row["network"]["score"] == pytest.approx(scores[row["name"]])
        assert row["reference"]["score"] == reference["test"][row["name"]]
        for side in ("network", "reference"):
            # a percentile interval of 12 rows is coarse
            assert row[side]["low"] <= row[side]["high"]
    chosen = rung(result.results, result.results["verdict"]["selected"])
    if kind == "number":
        assert shown["confusion"] is shown["certainty"] is None
        return
    certainty, accuracy = shown["certainty"], scores["accuracy"]
    assert certainty["probability"][0]["accuracy"] == pytest.approx(accuracy)
    drops = chosen["name"] not in ("lstm", "bidirectional")
    assert (certainty["monte_carlo"] is not None) == drops


def test_confusion_agrees_with_the_scores(studied: Any) -> None:
    for kind in ("class", "steps", "texts", "several"):
        result = studied(kind)
        shown, data = result.results["labels"], result.results["data"]
        matrix, scores = np.array(shown["confusion"]), result.results["delivered"]["mixture"]

        if kind == "several":
            assert matrix.shape == (len(data["classes"]), 2, 2)
            assert (matrix.sum(axis=(1, 2)) == data["split"]["test"]["rows"]).all()
            assert macro_f1(matrix) == pytest.approx(scores["macro_f1"])
            continue
        assert matrix.sum(axis=1).tolist() == data["split"]["test"]["classes"]
        assert np.trace(matrix) / matrix.sum() == pytest.approx(scores["accuracy"])


def test_mistakes_are_of_the_rows_that_they_name(studied: Any, labelled: Any) -> None:
    for kind in KINDS:
        shown = studied(kind).results["labels"]
        (x, y), _ = labelled(kind)
        order = {"number": "error", "steps": "wrong"}.get(kind, "probability")
        sizes = [abs(one[order]) for one in shown["mistakes"]]
        if kind == "steps":
            sizes = [one["wrong"] / one["steps"] for one in shown["mistakes"]]
        assert sizes == sorted(sizes, reverse=True)
        assert 0 < len(sizes) <= 10
        for one in shown["mistakes"]:
            row = int(one["name"].removeprefix("row ")) - 1
            if kind == "steps":
                assert 0 < one["wrong"] <= one["steps"] == len(y[row])
                assert one["truth"] == [y[row][one["step"] - 1]] != one["predicted"]
                continue
            assert one["text"] == (x[row] if kind in TEXTS else f"{len(x[row])} steps")
            if kind == "number":
                assert one["truth"] == pytest.approx(y[row])
                assert one["error"] == pytest.approx(one["predicted"] - one["truth"])
            elif kind == "several":
                assert sorted(one["truth"]) == sorted(filter(None, y[row].split("|")))
                assert one["truth"] != one["predicted"]
            else:
                assert one["truth"] == [y[row]] != one["predicted"]


def test_mistakes_name_the_step_of_the_whole_sequence(labelled: Any) -> None:
    x, y = labelled("steps")[0]
    told = LabelledConfig(at_steps=True, max_length=3, keep="end")
    config = CONFIG(data=told)
    data = LABELLING.read((x, y), config)
    prepared = LABELLING.prepare(data, config)
    truth = prepared.examples("test").truth().numpy()
    wrong = np.eye(2)[1 - truth] * 0.8 + 0.1

    shown = list(shown_module._worst_sequences(data.all, prepared, wrong, truth))

    for one in shown:
        row = int(one["name"].removeprefix("row ")) - 1
        assert one["wrong"] == one["steps"] == 3
        assert one["step"] == len(y[row]) - 2
        assert one["truth"] == [y[row][one["step"] - 1]]


class Drawn(NamedTuple):
    """What stands in for a fitted network: hand-made averages over passes."""

    average: Any
    drops: bool

    @property
    def model(self) -> Any:
        return self

    def mc_probabilities(self, examples: Any, n: int) -> Any:
        assert (examples, n) == ("examples", 7)
        return self.average


def test_monte_carlo_sets_aside_what_the_passes_disagree_on() -> None:
    truth = np.array([0] * 10)
    found = np.tile([0.6, 0.4], (10, 1))
    found[:2] = [0.05, 0.95]  # two sure mistakes
    average = np.tile([0.9, 0.1], (10, 1))
    average[:2] = [0.45, 0.55]  # of which the passes are not sure

    told = certainty(Drawn(average, True), "examples", found, truth, 7)
    plain = certainty(Drawn(average, False), "examples", found, truth, 7)

    by_probability = [one["accuracy"] for one in told["probability"]]
    by_passes = [one["accuracy"] for one in told["monte_carlo"]["shares"]]
    assert by_probability == pytest.approx([0.8, *((n - 2) / n for n in range(9, 1, -1)), 0])
    assert by_passes == pytest.approx([0.8, 8 / 9, *[1.0] * 8])
    assert told["monte_carlo"]["samples"] == 7
    assert told["monte_carlo"]["scores"]["accuracy"] == 0.8
    assert plain == {"probability": told["probability"], "monte_carlo": None}


def test_of_several_labels_certain_is_what_is_probably_right_as_a_whole() -> None:
    truth = np.array([[1, 0], [1, 1]])
    found = np.array([[0.99, 0.52], [0.95, 0.95]])  # the first is wrong, and half sure of it

    told = certainty(Drawn(found, True), "examples", found, truth, 7)

    assert [one["accuracy"] for one in told["probability"]][-1] == 1.0
    assert [one["accuracy"] for one in told["monte_carlo"]["shares"]][-1] == 1.0
