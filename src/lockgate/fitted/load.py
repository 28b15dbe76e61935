"""Read a fitted folder of either kind."""

from pathlib import Path

from lockgate.fitted.classifier import TASK, FittedClassifier
from lockgate.fitted.fitted import Fitted
from lockgate.fitted.storage import read_json


def load(folder: str | Path) -> Fitted | FittedClassifier:
    """Read a forecaster or a classifier that `train` or a study saved, as data.

    Args:
        folder: What was written; of a study its folder `fitted`.

    Raises:
        DataError: If the folder holds neither.
    """
    path = Path(folder)
    labels = read_json(path / "config.json").get("task") == TASK
    return FittedClassifier.load(path) if labels else Fitted.load(path)
