"""What a fit is told: sizes, rates, optimiser, arms, presets."""

import json
from collections.abc import Iterable
from dataclasses import Field, asdict, dataclass, fields, replace
from typing import Any

OPTIMISERS = ("adam", "nt-asgd")
HOLDS = ("chunk", "epoch")


@dataclass(frozen=True)
class Config:
    """One fit. Rates are probabilities of dropping."""

    corpus: str = "wikitext2"  # folder of train.txt, valid.txt, test.txt, gzipped or not
    train_tokens: int = 0  # of the training part, from its beginning; 0: all
    vocabulary: int = 0  # most frequent words of those tokens, with <unk>; 0: all
    embedding: int = 128  # also the size of the last layer, whose output meets the same weights
    hidden: int = 256
    layers: int = 2
    embedding_dropout: float = 0.1
    input_dropout: float = 0.3
    dropout: float = 0.2
    output_dropout: float = 0.4
    weight_dropout: float = 0.4
    alpha: float = 2.0  # of the activation penalty
    beta: float = 1.0  # of the temporal activation penalty
    weight_decay: float = 0.0
    hold: str = "chunk"  # how long the masks between modules are held
    batch: int = 10
    bptt: int = 35
    variable_bptt: bool = False
    optimiser: str = "adam"
    learning_rate: float = 1e-3
    decay: float = 0.25  # of adam's learning rate, after an epoch without a new best
    clip: float = 0.25
    max_epochs: int = 20
    patience: int = 4  # epochs without a new best, after which a fit ends
    eval_batch: int = 20
    train_sample: int = 20_000  # training tokens of the training perplexity without dropout

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; rates are checked by the layers."""
        least = {"train_tokens": 0, "vocabulary": 0, "alpha": 0, "beta": 0, "weight_decay": 0}
        for field in fields(self):
            value, rule = getattr(self, field.name), least.get(field.name, 1)
            whole = field.type is int
            if (whole or field.name in least) and value < rule:
                raise ValueError(f"{field.name} must be at least {rule}, got {value}")
        for name, choices in (("optimiser", OPTIMISERS), ("hold", HOLDS)):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0.0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if not 0.0 < self.decay <= 1.0:
            raise ValueError(f"decay must be in (0, 1], got {self.decay}")

    def sizes(self) -> list[int]:
        """Give the hidden size of each layer."""
        return [self.hidden] * (self.layers - 1) + [self.embedding]

    def to_dict(self) -> dict[str, Any]:
        """Give what `Config(**...)` takes."""
        return asdict(self)


_PAPER = {
    "embedding": 400,
    "hidden": 1150,
    "layers": 3,
    "embedding_dropout": 0.1,
    "input_dropout": 0.4,
    "dropout": 0.3,
    "output_dropout": 0.4,
    "weight_dropout": 0.5,
    "weight_decay": 1.2e-6,
    "hold": "chunk",
    "bptt": 70,
    "variable_bptt": True,
    "optimiser": "nt-asgd",
    "learning_rate": 30.0,
    "max_epochs": 750,
    "patience": 100,
    "eval_batch": 10,
}
PRESETS = {
    "small": Config(train_tokens=200_000, vocabulary=5000),
    "merity-ptb": Config(corpus="penn", batch=40, **_PAPER),  # type: ignore[arg-type]
    "merity-wt2": Config(batch=80, **(_PAPER | {"input_dropout": 0.65})),  # type: ignore[arg-type]
}
# test perplexities of Merity et al. (2017), arXiv:1708.02182: fine-tuned, and before that
PUBLISHED = {"merity-ptb": (57.3, 58.8), "merity-wt2": (65.8, 66.0)}

_LOCKED = ("embedding_dropout", "input_dropout", "dropout", "output_dropout")
_PENALTIES = ("alpha", "beta")
# what each arm does without
ARMS = {
    "none": (*_LOCKED, "weight_dropout", *_PENALTIES, "weight_decay"),
    "locked": ("weight_dropout",),
    "weight": (),
    "no-embedding": ("embedding_dropout",),
    "no-input": ("input_dropout",),
    "no-between": ("dropout",),
    "no-output": ("output_dropout",),
    "no-penalties": _PENALTIES,
}
DEFAULT_ARMS = ("none", "locked", "weight")


def arm(config: Config, name: str) -> Config:
    """Turn off what an arm does without."""
    if name not in ARMS:
        raise ValueError(f"arms must be of {', '.join(ARMS)}, got {name!r}")
    off: dict[str, Any] = dict.fromkeys(ARMS[name], 0.0)
    return replace(config, **off)


def override(config: Config, settings: Iterable[str]) -> Config:
    """Change a config as `name=value` says, the value in JSON or, for text, as it is."""
    known = {field.name: field for field in fields(config)}
    changes = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise ValueError(f"set must name one of {', '.join(known)}, got {name!r}")
        changes[name] = _value(known[name], text)
    return replace(config, **changes)


def _value(field: "Field[Any]", text: str) -> Any:
    if field.type is str:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if field.type is float and type(value) is int:
        value = float(value)
    if type(value) is not field.type:
        kind = getattr(field.type, "__name__", field.type)
        raise ValueError(f"{field.name} must be of type {kind}, got {text!r}")
    return value
