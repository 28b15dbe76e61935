"""What a search over a classifier's settings changes, and what preparing reads of them."""

import pytest
from spying import read_of

from lockgate.settings import fields_of, resolve
from lockgate.tasks.labelling.config import ClassifierConfig, LabelConfig
from lockgate.tasks.labelling.task import TASK
from lockgate.tasks.labelling.tuning import TUNING
from lockgate.training.config import TrainingConfig


@pytest.mark.parametrize("kind", ["class", "texts", "number"])
@pytest.mark.parametrize("linear_path", ["auto", "off"])
def test_preparing_reads_nothing_that_the_preparation_lacks(labelled, kind, linear_path):
    source, told = labelled(kind)
    config = resolve(LabelConfig, told, {"linear_path": linear_path})
    data = TASK.read(source, config)

    seen = read_of((ClassifierConfig, TrainingConfig), lambda: TASK.prepare(data, config))

    # a network that begins from vectors or an encoder is told whole
    assert seen - {"vectors", "encoder"} <= set(TUNING.preparation(config))


def test_what_a_network_begins_from_counts_with_its_sizes(tmp_path):
    for name in ("vectors", "encoder"):
        begun = resolve(LabelConfig, {name: str(tmp_path)})
        larger = resolve(LabelConfig, {name: str(tmp_path), "embedding_size": 9})
        assert TUNING.preparation(begun) != TUNING.preparation(larger)
    assert TUNING.preparation(LabelConfig()) == TUNING.preparation(
        resolve(LabelConfig, {"embedding_size": 9})
    )


def test_another_vocabulary_is_another_preparation():
    assert TUNING.preparation(resolve(LabelConfig, {"vocab_size": 99})) != TUNING.preparation(
        LabelConfig()
    )


def test_its_settings_are_settings():
    assert set(TUNING.settings) <= set(fields_of(LabelConfig))
    assert TUNING.space(None) == TUNING.values(None) == {}
    assert TASK.tuning is TUNING


def test_networks_of_a_study_share_how_items_are_read_and_what_they_begin_from():
    shared = TUNING.shared(resolve(LabelConfig, {"max_length": 9, "linear_path": "off"}))

    assert shared["data.max_length"] == 9
    assert shared["model.linear_path"] == "off"
    assert {*TUNING.settings, "model.encoder", "model.vectors", "model.pretrain"} <= set(shared)
    assert set(shared) <= set(fields_of(LabelConfig))
