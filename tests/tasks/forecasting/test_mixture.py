"""A baseline that networks are mixed with survives in a folder by its name."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from lockgate import DataError
from lockgate.tasks.forecasting.baselines import SeasonalNaive
from lockgate.tasks.forecasting.mixture import Mixture, read_mixture

LEARNED = SimpleNamespace(seasons=[7])


def test_a_mixture_is_read_as_it_was_stored() -> None:
    mixture = Mixture(0.25, SeasonalNaive(7))

    assert read_mixture(Path("model"), mixture.stored(), LEARNED, None) == mixture


@pytest.mark.parametrize(
    "stored",
    [
        {"weight": 1.5, "baseline": "drift"},
        {"weight": -0.1, "baseline": "drift"},
        {"weight": "0.5", "baseline": "drift"},
        {"weight": float("nan"), "baseline": "drift"},
        {"weight": 0.5, "baseline": "ridge"},  # which the folder does not hold
        {"weight": 0.5, "baseline": "seasonal naive 24"},
        {"weight": 0.5},
        {"weight": 0.5, "baseline": "drift", "more": 1},
        [],
        "x" * 9999,
    ],
    ids=lambda stored: str(stored)[:40],
)
def test_what_is_no_mixture_of_this_folder_is_refused(stored: object) -> None:
    must = "model is no fitted model: mixture must be a weight from 0 to 1 and one of its baselines"
    with pytest.raises(DataError, match=re.escape(must)) as caught:
        read_mixture(Path("model"), stored, LEARNED, None)
    assert len(str(caught.value)) < 300
