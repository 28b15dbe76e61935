"""What is chosen once for all networks of a run, before any of them is fitted."""

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

    def settle(self, model: ForecasterConfig) -> ForecasterConfig:
        """Return the network with every setting named."""
        level = self.normalise if model.normalise == "auto" else model.normalise
        return model.model_copy(update={"normalise": level})

    def leaves(self, model: ForecasterConfig) -> bool:
        """Tell whether something of the network is still to be chosen."""
        return model.normalise == "auto" and self.normalise is None

    @property
    def words(self) -> dict[str, str]:
        """Tell what was chosen, by name."""
        if self.normalise is None:
            return {}
        scores = ", ".join(f"{level} {score:.4g}" for level, score in self.level_scores.items())
        words = f"{self.normalise}, by the validation score of a small network: {scores}"
        return {"normalise": words}
