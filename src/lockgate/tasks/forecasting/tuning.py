"""What a search over the settings of a forecaster may change beside its network and training."""

from collections.abc import Mapping
from typing import Any

from lockgate.tasks.forecasting.config import COUNTS, ForecastConfig
from lockgate.tasks.forecasting.prepare import Prepared

LEVELS = ["last_std", "last", "mean_std", "none"]
LEAST_SHARE = 10
"""A lookback that is searched by default is at most this part of the training rows, as the one
that is chosen by default is."""


COLUMNS = ("data.inputs", "data.known_future", "data.holidays")
"""What is read beside the target."""


class ForecastTuning:
    """The lookback, and the level that is taken from windows."""

    @property
    def settings(self) -> tuple[str, ...]:
        """The lookback and the columns that are read: all else of the data changes what is judged.

        What is not whole with some columns is not judged with others either.
        """
        return ("data.lookback", *COLUMNS)

    def space(self, prepared: Prepared) -> dict[str, Any]:
        """Give half and twice the lookback, as far as the rows allow it, and levels."""
        lookback = prepared.preprocessing.lookback
        most = max(lookback, prepared.split.train // LEAST_SHARE)
        lookbacks = sorted({max(lookback // 2, 1), lookback, min(2 * lookback, most)})
        space: dict[str, Any] = {"model.normalise": {"choices": LEVELS}}
        if len(lookbacks) > 1:
            space["data.lookback"] = {"choices": lookbacks}
        return space

    def values(self, prepared: Prepared) -> dict[str, Any]:
        """Give the lookback in steps."""
        return {"data.lookback": prepared.preprocessing.lookback}

    def shared(self, config: ForecastConfig) -> dict[str, Any]:
        """Give what is read and whether there is a ridge; a level that is known needs nothing."""
        model = config.model
        alike = {path: getattr(config.data, path.rpartition(".")[2]) for path in self.settings}
        alike["model.linear_path"] = model.linear_path
        return alike | ({"model.normalise": "auto"} if model.normalise == "auto" else {})

    def preparation(self, config: ForecastConfig) -> Mapping[str, Any]:
        """Give the data's settings, and those that `choose` reads of the network."""
        model = config.model
        read = {
            "data": config.data.model_dump(mode="json"),
            "metric": config.training.metric,
            "segment_length": model.segment_length,
            "linear_path": model.linear_path,
            # whether targets must be counts
            "head": model.head in COUNTS,
        }
        if "auto" in (model.normalise, model.linear_path):
            # a small network that reads and learns as this one does makes the choice
            read |= {
                "model": model.model_dump(mode="json"),
                "training": config.training.model_dump(mode="json"),
            }
        return read


TUNING = ForecastTuning()
