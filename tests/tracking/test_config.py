"""What a run is tracked for is a setting of each command that fits, and of no run itself."""

import pytest

from lockgate import DataError
from lockgate.settings import resolve
from lockgate.studies.config import StudySettings
from lockgate.tasks.forecasting.config import ForecastConfig
from lockgate.tasks.registry import configs
from lockgate.tracking.config import tracked
from lockgate.tuning.config import TuneSettings

KIND = tracked(ForecastConfig)
FORECAST = {"target": "sold", "horizon": 3}


@pytest.mark.parametrize("name", configs())
def test_every_task_has_it_beside_its_own(name):
    own = configs()[name]

    kind = tracked(own)

    assert set(kind.model_fields) == {"track", *own.model_fields}
    assert "track" not in own.model_fields
    for field in own.model_fields:
        assert kind.model_fields[field].annotation == own.model_fields[field].annotation
    for other in (StudySettings, TuneSettings):
        assert kind.model_fields["track"].annotation == other.model_fields["track"].annotation
        assert kind.model_fields["track"].description == other.model_fields["track"].description


@pytest.mark.parametrize("told", ["mlflow, tensorboard", ["mlflow", "tensorboard"]])
def test_it_is_read_as_users_write_it(told):
    assert resolve(KIND, FORECAST, {"track": told}).track == ("mlflow", "tensorboard")


def test_by_default_there_is_none_and_an_unknown_one_is_refused():
    assert resolve(KIND, FORECAST).track is None
    with pytest.raises(DataError, match=r"^track must be 'tensorboard' or 'mlflow', got 'wandb'$"):
        resolve(KIND, FORECAST, {"track": "wandb"})
