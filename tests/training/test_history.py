"""A history tells the best epoch and survives JSON, whatever its numbers are."""

import math

import pytest

from lockgate.training.history import History

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("validation", "best"),
    [
        ([], 0),
        ([3.0, 1.0, 2.0], 2),
        ([1.0, 1.0], 1),
        ([NAN, 2.0, NAN], 2),
        ([INF, 2.0, 1.0], 3),
        ([NAN, INF], 0),
        ([0.0, NAN], 1),
    ],
    ids=str,
)
def test_the_best_epoch_is_the_first_of_the_lowest_finite_loss(
    validation: list[float], best: int
) -> None:
    history = History(validation=validation)

    assert (history.epochs, history.best_epoch) == (len(validation), best)


def test_numbers_that_are_not_finite_survive_json() -> None:
    history = History(stopped="diverged")
    for number in (1.5, NAN, INF, -INF):
        history.add(training=number, validation=number, gradient_norm=number, seconds=0.1, steps=4)

    read = History.model_validate_json(history.model_dump_json())

    assert read.stopped == "diverged"
    for mine, other in zip(read.validation, history.validation, strict=True):
        assert mine == other or (math.isnan(mine) and math.isnan(other))
    assert read.model_dump_json() == history.model_dump_json()


def test_histories_share_no_list() -> None:
    History().add(training=1, validation=1, gradient_norm=1, seconds=1, steps=1)

    assert History().training == History().validation == []


def test_without_validation_the_last_finite_epoch_is_kept() -> None:
    history = History()
    for loss in (3.0, 1.0, 2.0):
        history.add(training=loss, validation=None, gradient_norm=1.0, seconds=0.1, steps=4)

    assert (history.epochs, history.best_epoch, history.validation) == (3, 3, [])

    history.add(training=NAN, validation=None, gradient_norm=1.0, seconds=0.1, steps=4)
    assert (history.epochs, history.best_epoch) == (4, 3)


def test_a_history_that_keeps_the_last_tells_it() -> None:
    history = History(
        validation=[3.0, 1.0, 2.0, NAN], steps=[2, 4, 6, 8], per_epoch=2, keeps="last"
    )

    assert (history.kept_look, history.best_epoch, history.kept_steps) == (3, 1.5, 6)
    assert history.kept_loss == 2.0
    assert history.epochs == 2


def test_epochs_are_told_to_two_places() -> None:
    history = History(validation=[3.0, 2.0, 1.0, 4.0], per_epoch=3)

    assert (history.best_epoch, history.epochs) == (1, 1.33)
