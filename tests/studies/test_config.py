"""The settings of a study are those of a run of its task, and how often and what is compared."""

import pytest
from pydantic import ValidationError

from lockgate.config import option_of
from lockgate.studies.config import StudyConfig, StudySettings, study_config
from lockgate.tasks.registry import configs

RUNS = configs()


@pytest.mark.parametrize("name", RUNS)
def test_it_has_the_settings_of_the_run_with_their_help(name: str) -> None:
    kind = study_config(RUNS[name], ("lstm", "both"))

    assert set(kind.model_fields) == set(RUNS[name].model_fields) | set(StudySettings.model_fields)
    assert kind.model_fields["rungs"].default == ("lstm", "both")
    for own, field in StudySettings.model_fields.items():
        assert kind.model_fields[own].description == field.description
        assert option_of(kind.model_fields[own]) == option_of(field)
    assert issubclass(kind, StudyConfig)
    assert study_config(RUNS[name], ("lstm", "both")) is kind


def test_rungs_are_parted_at_commas_and_counts_are_positive() -> None:
    kind = study_config(RUNS["labels"], ("lstm",))

    assert kind(rungs="gru, both").rungs == ("gru", "both")  # type: ignore[arg-type]
    for setting in ("rounds", "workers"):
        with pytest.raises(ValidationError, match="greater than or equal to 1"):
            kind(**{setting: 0})


def test_a_study_delivers_more_fits_than_train() -> None:
    run = RUNS["forecast"]

    assert study_config(run, ("gru",)).model_fields["members"].default == 5
    assert run.model_fields["members"].default == 3
