"""Training lowers the loss, and a seed repeats it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lockgate.errors import DataError
from lockgate.settings import resolve
from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import PreparedText, prepare_text, read_text_data
from lockgate.tasks.language.train import train_language_model
from lockgate.training import checkpoint
from lockgate.training.history import History

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


def test_a_fit_that_was_killed_goes_on_to_the_same_weights(
    prepared: PreparedText, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_SECONDS", 0.0)
    config, path = config_of(max_epochs=4, recurrent_dropout=0.3), tmp_path / "fit"

    def kill(history: History) -> None:
        if history.looks == 2:
            raise RuntimeError("killed")

    first, history = train_language_model(prepared, config)
    with pytest.raises(RuntimeError, match="killed"):
        train_language_model(prepared, config, on_epoch=kill, checkpoint=path)
    second, again = train_language_model(prepared, config, checkpoint=path)

    assert history.validation == again.validation
    for name, weight in first.model.state_dict().items():
        assert torch.equal(weight, second.model.state_dict()[name]), name


def test_a_device_that_is_not_here_is_refused(prepared: PreparedText) -> None:
    with pytest.raises(DataError, match="device must be one that is here"):
        train_language_model(prepared, config_of(device="abacus"))
