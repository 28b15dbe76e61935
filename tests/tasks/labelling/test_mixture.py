"""What is no mixture of a weight and the linear model is refused."""

import re
from pathlib import Path

import pytest

from lockgate import DataError
from lockgate.tasks.labelling.mixture import NAME, read_mixture


@pytest.mark.parametrize(
    "stored",
    [
        {"weight": 1.5, "baseline": NAME},
        {"weight": float("nan"), "baseline": NAME},
        {"weight": 1, "baseline": NAME},
        {"weight": 0.5, "baseline": "1-NN DTW"},
        {"weight": 0.5},
        {"weight": 0.5, "baseline": NAME, "more": 1},
        "x" * 9999,
    ],
    ids=lambda stored: str(stored)[:30],
)
def test_what_is_no_mixture_is_refused(stored: object) -> None:
    must = f"model is no fitted model: mixture must be a weight from 0 to 1 and {NAME}, got "
    with pytest.raises(DataError, match=re.escape(must)) as caught:
        read_mixture(Path("model"), stored, 2, several=False)
    assert len(str(caught.value)) < 300


def test_a_mixture_without_its_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"mixture.safetensors must hold weights"):
        read_mixture(tmp_path, {"weight": 0.5, "baseline": NAME}, 2, several=False)
