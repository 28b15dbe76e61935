"""What a search over the settings of a language model may change beside network and training."""

from collections.abc import Mapping
from typing import Any

from lockgate.tasks.language.config import LanguageConfig
from lockgate.tasks.language.prepare import PreparedText


class LanguageTuning:
    """How far a gradient goes back: another vocabulary would be another question."""

    @property
    def settings(self) -> tuple[str, ...]:
        """The words of one step of the optimiser."""
        return ("data.chunk_steps",)

    def space(self, prepared: PreparedText) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: the rates, sizes and steps of any network are what matters most."""
        return {}

    def values(self, prepared: PreparedText) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: the data decide no setting."""
        return {}

    def shared(self, config: LanguageConfig) -> dict[str, Any]:
        """Give the words of a step."""
        return {"data.chunk_steps": config.data.chunk_steps}

    def preparation(self, config: LanguageConfig) -> Mapping[str, Any]:
        """Give the data's settings: of the network none is read."""
        return {"data": config.data.model_dump(mode="json")}


TUNING = LanguageTuning()
