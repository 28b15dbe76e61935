"""Recurrent networks that generalise: regularised layers and the study of what helps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lockgate import interop as interop
    from lockgate import nn as nn
    from lockgate.api import study as study
    from lockgate.api import train as train
    from lockgate.data.errors import DataError as DataError
    from lockgate.estimators import Forecaster as Forecaster
    from lockgate.estimators import SequenceClassifier as SequenceClassifier
    from lockgate.estimators import SequenceRegressor as SequenceRegressor
    from lockgate.fitted import Fitted as Fitted
    from lockgate.fitted.classifier import FittedClassifier as FittedClassifier
    from lockgate.fitted.load import load as load
    from lockgate.nn.monte_carlo import mc_dropout as mc_dropout
    from lockgate.nn.monte_carlo import mc_samples as mc_samples
    from lockgate.ops.dispatch import BackendUnavailable as BackendUnavailable
    from lockgate.ops.dispatch import backend as backend
    from lockgate.studies.result import StudyResult as StudyResult

__version__ = "0.1.0"

# where each public name is defined; a name is imported when it is first used, so that
# `import lockgate` is light and the layers need none of the workbench's libraries
_HOMES = {
    "BackendUnavailable": "lockgate.ops.dispatch",
    "DataError": "lockgate.data.errors",
    "Fitted": "lockgate.fitted",
    "FittedClassifier": "lockgate.fitted.classifier",
    "Forecaster": "lockgate.estimators",
    "SequenceClassifier": "lockgate.estimators",
    "SequenceRegressor": "lockgate.estimators",
    "StudyResult": "lockgate.studies.result",
    "backend": "lockgate.ops.dispatch",
    "interop": "lockgate.interop",
    "load": "lockgate.fitted.load",
    "mc_dropout": "lockgate.nn.monte_carlo",
    "mc_samples": "lockgate.nn.monte_carlo",
    "nn": "lockgate.nn",
    "study": "lockgate.api",
    "train": "lockgate.api",
}
__all__ = ["BackendUnavailable", "DataError", "Fitted", "FittedClassifier", "Forecaster"]
__all__ += ["SequenceClassifier", "SequenceRegressor", "StudyResult"]
__all__ += ["backend", "interop", "load", "mc_dropout", "mc_samples", "nn", "study", "train"]


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
