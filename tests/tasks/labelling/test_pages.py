"""The report of labels: intervals, certainty, and how each of several labels is decided."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lockgate.tasks.labelling.pages import (
    PAGES,
    certainty_lines,
    draw_certainty,
    interval_rows,
    label_rows,
    score_names,
)

Results = dict[str, Any]
CLASS_SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "log_loss": "log loss",
    "calibration_error": "calibration error",
}


@pytest.fixture
def results_of(studied: Any) -> Callable[[str], Results]:
    """Give the results of a kind of labels, to be changed at will."""
    return lambda kind: copy.deepcopy(studied(kind).results)


@pytest.mark.parametrize(
    ("kind", "names"),
    [("class", CLASS_SCORES), ("number", {"mae": "MAE", "rmse": "RMSE"})],
    ids=["class", "number"],
)
def test_scores_have_names_that_read_well(
    results_of: Callable[[str], Results], kind: str, names: dict[str, str]
) -> None:
    assert score_names(results_of(kind)) == names


def test_without_baselines_there_is_no_name(results_of: Callable[[str], Results]) -> None:
    assert score_names(results_of("class") | {"baselines": []}) == {}


def test_only_the_score_that_decides_is_shown_of_the_rows_judged(
    results_of: Callable[[str], Results],
) -> None:
    assert PAGES.columns(results_of("class")).validated == ("log_loss",)
    assert PAGES.columns(results_of("number")).validated == ("mae",)
    assert PAGES.columns(results_of("class")).beside == ("accuracy",)
    assert PAGES.columns(results_of("number")).beside == ()


def test_second_scores_leave_out_the_overlap_where_there_is_one(
    results_of: Callable[[str], Results],
) -> None:
    results = results_of("texts")
    assert PAGES.columns(results).apart == ""

    results["baselines"][0]["test"]["accuracy_without_overlap"] = 0.5

    assert PAGES.columns(results).apart == "_without_overlap"


def test_a_score_has_its_interval_for_what_is_delivered_and_for_the_reference(
    results_of: Callable[[str], Results],
) -> None:
    results = results_of("class")
    first = results["labels"]["scores"][0]
    first |= {"name": "accuracy", "network": {"score": 0.5, "low": 0.4, "high": 0.6}}
    first["reference"] = {"score": 0.25, "low": None, "high": None}

    row = interval_rows(results, dict.fromkeys(CLASS_SCORES, 2))[0]

    assert row.name == "accuracy"
    assert row.cells == [("0.500", "[0.400, 0.600]"), ("0.250", "")]


def test_without_predictions_there_is_no_interval(
    results_of: Callable[[str], Results],
) -> None:
    assert interval_rows(results_of("class") | {"labels": None}, {}) == []


def test_each_of_several_labels_has_its_precision_and_recall(
    results_of: Callable[[str], Results],
) -> None:
    results = results_of("several")
    # of 12 texts 4 have it, of which 3 are right, with 2 others
    results["labels"]["confusion"][0] = [[6, 2], [1, 3]]
    results["labels"]["confusion"][1] = [[12, 0], [0, 0]]

    first, second = label_rows(results)[:2]

    assert first[1:4] == (4, 1, 2)
    assert first[4:] == pytest.approx((0.6, 0.75, 2 / 3))
    assert second[1:] == (0, 0, 0, None, None, None)


@pytest.mark.parametrize("kind", ["class", "number", "steps", "texts"])
def test_one_label_has_no_rows_of_its_own(results_of: Callable[[str], Results], kind: str) -> None:
    assert label_rows(results_of(kind)) == []


def test_the_certainty_is_drawn_from_all_rows_to_few(
    results_of: Callable[[str], Results],
) -> None:
    results = results_of("class")
    shares = results["labels"]["certainty"]["probability"]

    figure = draw_certainty(certainty_lines(results), [one["share"] for one in shares])

    [line] = [one for one in figure["data"] if one["name"] == "by probability"]
    assert line["x"] == [100.0 * one["share"] for one in shares]
    assert line["y"] == [one["accuracy"] for one in shares]
    left, right = figure["layout"]["xaxis"]["range"]
    assert left > right


def test_what_is_not_certain_has_no_chart(results_of: Callable[[str], Results]) -> None:
    assert PAGES.figures(results_of("number"), {}) == {}
    assert PAGES.figures(results_of("class") | {"labels": None}, {}) == {}
    assert certainty_lines(results_of("number")) == []
    assert list(PAGES.figures(results_of("class"), {})) == ["certainty"]
