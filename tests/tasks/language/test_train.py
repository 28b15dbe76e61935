"""Training lowers the loss, and a seed repeats it."""

from pathlib import Path

import numpy as np
import pytest

from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import PreparedText, prepare_text, read_text_data
from lockgate.tasks.language.train import train_language_model

from .conftest import SMALL


def config_of(**settings: object) -> LanguageConfig:
    return resolve(LanguageConfig, {**SMALL, "max_epochs": 2, **settings})


@pytest.fixture
def prepared(text_file: Path) -> PreparedText:
    config = config_of()
    return prepare_text(read_text_data(text_file, config.data), config.data)


def test_a_seed_repeats_a_run(prepared: PreparedText) -> None:
    first, second, other = (
        train_language_model(prepared, config_of(), seed=seed)[1] for seed in (1, 1, 2)
    )

    assert first.validation == second.validation
    assert first.validation != other.validation


def test_the_validation_loss_is_that_of_the_part(prepared: PreparedText) -> None:
    fitted, history = train_language_model(prepared, config_of())

    losses = fitted.log_losses(prepared.tokens["validation"])

    assert min(history.validation) == pytest.approx(np.mean(losses), rel=1e-5)
    assert history.validation[1] < history.validation[0]


def test_a_device_that_is_not_here_is_refused(prepared: PreparedText) -> None:
    with pytest.raises(DataError, match="device must be one that is here"):
        train_language_model(prepared, config_of(device="abacus"))
