"""What a search over the settings of a classifier may change beside its network and training."""

from collections.abc import Mapping
from typing import Any

from lockgate.tasks.labelling.config import LabelConfig
from lockgate.tasks.labelling.prepare import PreparedLabelled


class LabelTuning:
    """How texts become tokens, how much of a text or a sequence is read, and rare classes."""

    @property
    def settings(self) -> tuple[str, ...]:
        """What is learned of the training rows: no row is read or left out by it."""
        names = ("vocab_size", "min_count", "lowercase", "max_length", "keep", "class_weight")
        return tuple(f"data.{name}" for name in names)

    def space(self, prepared: PreparedLabelled) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: the rates, sizes and steps of any network are what matters most."""
        return {}

    def values(self, prepared: PreparedLabelled) -> Mapping[str, Any]:  # noqa: ARG002
        """Give nothing: what is left to the data is not searched by default."""
        return {}

    def shared(self, config: LabelConfig) -> dict[str, Any]:
        """Give how items are read, and what networks begin from or stand on."""
        begun = ("linear_path", "pretrain", "encoder", "vectors")
        of_data = {path: getattr(config.data, path.rpartition(".")[2]) for path in self.settings}
        return of_data | {f"model.{name}": getattr(config.model, name) for name in begun}

    def preparation(self, config: LabelConfig) -> Mapping[str, Any]:
        """Give the data's settings, and of the network what it begins from."""
        model = config.model
        read = {
            "data": config.data.model_dump(mode="json"),
            "metric": config.training.metric,
            "linear_path": model.linear_path,
            "pretrain": model.pretrain,
        }
        if model.encoder is not None or model.vectors is not None:
            # what it begins from must fit its sizes
            read["model"] = model.model_dump(mode="json")
        return read


TUNING = LabelTuning()
