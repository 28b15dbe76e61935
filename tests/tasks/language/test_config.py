"""A language model is asked for by name or by settings of its own, and reads forward."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from lockgate.errors import DataError
from lockgate.settings import fields_of, resolve
from lockgate.tasks import registry
from lockgate.tasks.language.config import OWN, RUN, LanguageModelConfig, owns, suits


@pytest.mark.parametrize("source", ["a.txt", Path("a.csv"), ["a text"], ("a", "b")], ids=str)
def test_no_source_is_running_text_alone(source: object) -> None:
    assert not owns(source)
    assert not suits(source, {"vocab_size", "test", "target"})


@pytest.mark.parametrize("name", ["tied_weights", "model.tied_weights", "chunk_steps"])
def test_a_setting_of_its_own_asks_for_it(name: str) -> None:
    assert registry.suitable("a.txt", [name, "vocab_size"]).name == "language"


def test_settings_of_its_own_are_no_other_tasks() -> None:
    others = {
        path.rpartition(".")[2]
        for name, run in registry.configs().items()
        if name != "language"
        for path in fields_of(run)
    }

    assert {path.rpartition(".")[2] for path in fields_of(RUN)} - others == OWN


def test_a_setting_of_one_name_is_one_setting_in_all_tasks() -> None:
    known: dict[str, tuple[object, object]] = {}
    for name, run in registry.configs().items():
        for path, field in fields_of(run).items():
            setting = path.rpartition(".")[2]
            own = (None if setting == "metric" else field.annotation, field.description)
            if "language" in (name, *(["language"] if setting in known else [])):
                known.setdefault(setting, own)
            if setting in known:
                assert own == known[setting], setting


@pytest.mark.parametrize("both", [True, (False, True)])
def test_reading_from_the_end_is_refused(both: bool | tuple[bool, ...]) -> None:
    with pytest.raises(ValidationError, match="bidirectional must be false for a language model"):
        LanguageModelConfig(bidirectional=both)


def test_another_metric_is_refused() -> None:
    with pytest.raises(DataError, match="metric must be 'log_loss', got 'mae'"):
        resolve(RUN, {"metric": "mae"})
