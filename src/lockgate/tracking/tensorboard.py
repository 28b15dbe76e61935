"""Event files, which TensorBoard shows: a folder for each fit, and one for the whole run."""

import time
from pathlib import Path
from typing import Any

from lockgate.errors import need
from lockgate.files import clear_half_written, new_folder, remove_folder
from lockgate.settings import as_yaml
from lockgate.tracking.curves import curves_of
from lockgate.tracking.ended import Ended
from lockgate.training.history import History

FOLDER = "tensorboard"
RUN = "run"


class TensorBoardWriter:
    """Writes event files below `tensorboard/` in the folder of a run.

    Raises:
        ModuleNotFoundError: If TensorBoard is not installed, with the line that installs it.
    """

    def __init__(self) -> None:
        need("tensorboard", "track=tensorboard")
        self._writer = need("torch.utils.tensorboard", "track=tensorboard", "").SummaryWriter

    def fit(self, folder: Path, name: str, config: Any, history: History) -> None:
        """Write the curves of a fit, unless they are there; a step is one of the optimiser."""
        place = folder / FOLDER / name
        if place.exists():
            return
        # TensorBoard would show what a killed process left
        clear_half_written(place)
        curves = curves_of(config.training, history)
        began = time.time() - sum(history.seconds)
        with new_folder(place) as temporary, self._writer(str(temporary)) as events:
            events.add_text("settings", _as_code(as_yaml(config)), 0, began)
            for curve, values in curves.values.items():
                points = zip(values, curves.steps, curves.seconds, strict=True)
                for value, step, seconds in points:
                    events.add_scalar(curve, value, step, began + seconds)

    def end(self, folder: Path, ended: Ended) -> None:
        """Write settings, scores and verdict of the run in place of those that were there."""
        place = folder / FOLDER / RUN
        clear_half_written(place)
        remove_folder(place)  # of a run that went on
        with new_folder(place) as temporary, self._writer(str(temporary)) as events:
            events.add_text("settings", _as_code(as_yaml(ended.config)), ended.rounds)
            for name, lines in ended.texts.items():
                events.add_text(name, "\n\n".join(lines), ended.rounds)
            for name, score in ended.scores.items():
                events.add_scalar(name, score, ended.rounds)


def _as_code(text: str) -> str:
    """Return a text as a block of code in Markdown."""
    return "".join(f"    {line}\n" for line in text.splitlines())
