"""A trial: some settings, and how they did beside the default."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

State = Literal["complete", "halved", "diverged", "refused"]


class Trial(BaseModel):
    """A finished trial.

    `complete` was judged on every fold; `halved` did worse than others of its batch on the first
    and went no further; of `diverged` a fit ran off to infinity; `refused` are settings that do not
    go together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: int
    batch: int
    values: dict[str, Any]
    """Of the settings searched, by their paths."""
    state: State
    by_fold: dict[str, float] = {}
    """Of each fold log(score / score of the default on the same rows): below 0 is better."""
    seconds: dict[str, float] = {}
    """Of its fit to each fold."""
    parameters: int | None = None
    reason: str | None = None
    """Why it was refused."""

    @property
    def name(self) -> str:
        """What its fits are called."""
        return f"trial-{self.number}"

    @property
    def change(self) -> float | None:
        """The mean over folds; None if it was not judged on all."""
        if self.state != "complete":
            return None
        return math.fsum(self.by_fold.values()) / len(self.by_fold)


def best_of(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return the best trials, the best first: of those of the same settings the first alone."""
    ranked = sorted(
        (trial for trial in trials if trial.change is not None),
        key=lambda trial: (trial.change, trial.number),
    )
    kept: list[Trial] = []
    for trial in ranked:
        if all(trial.values != other.values for other in kept):
            kept.append(trial)
    return kept[:count]
