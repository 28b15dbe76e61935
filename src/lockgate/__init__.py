"""Recurrent networks that generalise: regularised layers and the study of what helps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lockgate import interop as interop
    from lockgate import nn as nn
    from lockgate.api import compare as compare
    from lockgate.api import lr_find as lr_find
    from lockgate.api import study as study
    from lockgate.api import train as train
    from lockgate.api import tune as tune
    from lockgate.errors import DataError as DataError
    from lockgate.estimators import Forecaster as Forecaster
    from lockgate.estimators import SequenceClassifier as SequenceClassifier
    from lockgate.estimators import SequenceRegressor as SequenceRegressor
    from lockgate.fitted import backtest as backtest
    from lockgate.fitted import evaluate as evaluate
    from lockgate.fitted import export as export
    from lockgate.fitted import predict as predict
    from lockgate.fitted import update as update
    from lockgate.fitted import upgrade as upgrade
    from lockgate.nn.monte_carlo import mc_dropout as mc_dropout
    from lockgate.nn.monte_carlo import mc_samples as mc_samples
    from lockgate.ops.dispatch import BackendUnavailable as BackendUnavailable
    from lockgate.ops.dispatch import backend as backend
    from lockgate.studies.result import StudyResult as StudyResult
    from lockgate.tasks.base import Fitted as Fitted
    from lockgate.tasks.forecasting.backtest_result import BacktestResult as BacktestResult
    from lockgate.tasks.forecasting.fitted import FittedForecaster as FittedForecaster
    from lockgate.tasks.forecasting.update import UpdateResult as UpdateResult
    from lockgate.tasks.labelling.fitted import FittedClassifier as FittedClassifier
    from lockgate.tasks.registry import load as load
    from lockgate.tuning.rates import RateResult as RateResult
    from lockgate.tuning.result import TuneResult as TuneResult

__version__ = "0.1.0"

# where each public name is defined; a name is imported when it is first used, so that
# `import lockgate` is light and the layers need none of the workbench's libraries
_HOMES = {
    "BackendUnavailable": "lockgate.ops.dispatch",
    "DataError": "lockgate.errors",
    "Fitted": "lockgate.tasks.base",
    "FittedForecaster": "lockgate.tasks.forecasting.fitted",
    "FittedClassifier": "lockgate.tasks.labelling.fitted",
    "Forecaster": "lockgate.estimators",
    "SequenceClassifier": "lockgate.estimators",
    "SequenceRegressor": "lockgate.estimators",
    "StudyResult": "lockgate.studies.result",
    "BacktestResult": "lockgate.tasks.forecasting.backtest_result",
    "RateResult": "lockgate.tuning.rates",
    "TuneResult": "lockgate.tuning.result",
    "UpdateResult": "lockgate.tasks.forecasting.update",
    "backend": "lockgate.ops.dispatch",
    "backtest": "lockgate.fitted",
    "compare": "lockgate.api",
    "evaluate": "lockgate.fitted",
    "export": "lockgate.fitted",
    "interop": "lockgate.interop",
    "load": "lockgate.tasks.registry",
    "lr_find": "lockgate.api",
    "mc_dropout": "lockgate.nn.monte_carlo",
    "mc_samples": "lockgate.nn.monte_carlo",
    "nn": "lockgate.nn",
    "predict": "lockgate.fitted",
    "study": "lockgate.api",
    "train": "lockgate.api",
    "tune": "lockgate.api",
    "update": "lockgate.fitted",
    "upgrade": "lockgate.fitted",
}
__all__ = ["BackendUnavailable", "DataError", "Fitted", "FittedClassifier", "FittedForecaster"]
__all__ += ["Forecaster", "RateResult", "SequenceClassifier", "SequenceRegressor"]
__all__ += ["BacktestResult", "StudyResult", "TuneResult", "UpdateResult"]
__all__ += [
    "backend",
    "backtest",
    "compare",
    "evaluate",
    "export",
    "interop",
    "load",
    "lr_find",
    "mc_dropout",
    "mc_samples",
    "nn",
    "predict",
]
__all__ += ["study", "train", "tune", "update", "upgrade"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lockgate' has no attribute {name!r}")
    try:
        module = import_module(_HOMES[name])
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "lockgate":
            raise
        raise ModuleNotFoundError(
            f'lockgate.{name} needs {error.name}: pip install "lockgate[workbench]"',
            name=error.name,
        ) from error
    return module if name in ("interop", "nn") else getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
