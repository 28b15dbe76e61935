"""What a search over a language model's settings changes, and what preparing reads of them."""

import numpy as np
from spying import read_of

from lockgate.settings import fields_of, resolve
from lockgate.tasks.language.config import LanguageConfig, LanguageModelConfig
from lockgate.tasks.language.task import TASK
from lockgate.tasks.language.tuning import TUNING
from lockgate.training.config import TrainingConfig


def test_preparing_reads_the_data_alone():
    texts = [" ".join(np.random.default_rng(0).choice(["a", "b"], 900))]
    config = LanguageConfig()
    data = TASK.read(texts, config)

    seen = read_of((LanguageModelConfig, TrainingConfig), lambda: TASK.prepare(data, config))

    assert seen == set()
    assert TUNING.preparation(config) == TUNING.preparation(
        resolve(LanguageConfig, {"hidden_size": 9, "learning_rate": 0.1})
    )
    assert TUNING.preparation(config) != TUNING.preparation(
        resolve(LanguageConfig, {"chunk_steps": 9})
    )


def test_its_settings_are_settings():
    assert set(TUNING.settings) <= set(fields_of(LanguageConfig))
    assert TUNING.space(None) == TUNING.values(None) == {}
    assert TASK.tuning is TUNING


def test_networks_of_a_study_share_the_words_of_a_step():
    assert TUNING.shared(resolve(LanguageConfig, {"chunk_steps": 9})) == {"data.chunk_steps": 9}
