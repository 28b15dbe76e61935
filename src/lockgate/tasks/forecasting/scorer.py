"""Score forecasts of windows: of one series, or of several that are of unlike size."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lockgate.scoring.arrays import FloatArray
from lockgate.scoring.metrics import PointMetric, point_losses, score, score_per_step
from lockgate.tasks.forecasting.origins import Origins


class WindowScorer(NamedTuple):
    """Scores forecasts of the windows of one part, in the target's unit.

    MAE and RMSE are of all points of all series alike, so that large series count for more. MASE is
    in the seasonal naive error of each series.
    """

    truth: FloatArray  # (N, horizon), NaN where missing
    metric: PointMetric
    mase_scale: float | FloatArray | None
    """What errors are divided by for MASE; of several series that of each window, (N,), NaN where
    its series has none."""
    origins: Origins
    each: float = 1
    """Windows of the part that each stands for: more than one where they are a sample of it."""

    @property
    def horizon(self) -> int:
        """Length of a window's forecast: neighbours share targets."""
        return int(self.truth.shape[1])

    @property
    def groups(self) -> None:
        """Give nothing: windows come one by one."""
        return None

    @property
    def counts(self) -> FloatArray:
        """Observed points of each window."""
        truth, _ = self._in_scales(self.truth)
        observed: FloatArray = np.isfinite(truth).sum(axis=1).astype(np.float64)
        return observed

    def scores(self, prediction: FloatArray) -> dict[str, float | None]:
        """Give MAE, RMSE and MASE."""
        if not isinstance(self.mase_scale, np.ndarray):
            return score(self.truth, prediction, self.mase_scale)._asdict()
        scaled = self._replace(metric="mase")._in_scales(prediction)
        known = np.isfinite(scaled[0]).any()
        mase = score(*scaled, None).mae if known else None
        return score(self.truth, prediction, None)._asdict() | {"mase": mase}

    def per_step(self, prediction: FloatArray) -> Sequence[float]:
        """Give the metric by steps ahead."""
        scale = self.mase_scale if isinstance(self.mase_scale, float) else None
        truth, scaled = self._in_scales(prediction)
        of_scaled = truth is not self.truth
        steps: list[float] = score_per_step(
            truth, scaled, "mae" if of_scaled else self.metric, scale
        ).tolist()
        return steps

    def losses(self, prediction: FloatArray) -> FloatArray:
        """Give the loss of each window."""
        return point_losses(*self._in_scales(prediction), self.metric).losses

    def _in_scales(self, prediction: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return truth and forecasts as the metric compares them; of one series as they are."""
        if self.metric != "mase" or not isinstance(self.mase_scale, np.ndarray):
            return self.truth, prediction
        scales = self.mase_scale[:, None]
        return self.truth / scales, prediction / scales
