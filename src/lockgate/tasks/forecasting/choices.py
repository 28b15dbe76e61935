"""What is chosen once for all networks of a run, before any of them is fitted."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from lockgate.tasks.forecasting.config import ForecasterConfig, Level


class Choices(BaseModel):
    """What stands for the settings that are `"auto"`."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")

    normalise: Level | None = None
    """The level that is taken from windows; None where the setting names it."""
    level_scores: dict[Level, float] = {}
    """The validation score of a small network less each level, in the target's unit, the best
    first."""
    linear_path: Literal["off", "on"] | None = None
    """Whether networks forecast on top of a ridge; None where the setting says it."""
    linear_reason: str = ""
    """Why they do, or do not."""

    def settle(self, model: ForecasterConfig) -> ForecasterConfig:
        """Return the network with every setting named."""
        chosen = {
            name: getattr(self, name)
            for name in ("normalise", "linear_path")
            if getattr(model, name) == "auto"
        }
        return model.model_copy(update=chosen)

    @property
    def words(self) -> dict[str, str]:
        """Tell what was chosen, by name."""
        words = {}
        if self.normalise is not None:
            scores = ", ".join(f"{level} {score:.4g}" for level, score in self.level_scores.items())
            words["normalise"] = (
                f"{self.normalise}, by the validation score of a small network: {scores}"
            )
        if self.linear_path is not None:
            words["linear path"] = f"{self.linear_path}: {self.linear_reason}"
        return words
