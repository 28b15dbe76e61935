"""What a fit needs to go on after it was killed, kept in one file."""

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from lockgate.errors import DataError, shortened
from lockgate.files import check_regular, new_file
from lockgate.settings import difference
from lockgate.training.average import Average
from lockgate.training.data import Data
from lockgate.training.history import History
from lockgate.training.origin import ENTRY, Origin
from lockgate.training.streams import Streams

LOG = logging.getLogger(__name__)
EVERY_SECONDS = 60.0
FORMAT_VERSION = 2
# writing takes at most this share of the time of a fit, however slow the disk is
_SHARE = 0.05
# examples, spread over the training part, by which its data are told from others
_TOLD_BY = 64


@dataclass
class State:
    """All that changes over a fit."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average
    streams: Streams
    history: History
    kept: dict[str, Tensor]


def at(
    path: Path | None, settings: BaseModel, *, keeps_interrupted: bool = False
) -> "Checkpoint | None":
    """Give the checkpoint of a run in a file; none where no file is named."""
    if path is None:
        return None
    return Checkpoint(path, settings, EVERY_SECONDS, keeps_interrupted=keeps_interrupted)


class Checkpoint:
    """A file from which a fit goes on, and ends in the weights that it would have ended in.

    They are equal to the bit where the `Origin` is the same, which the file tells. It is one of
    safetensors, and what is no tensor is JSON in its header. It is written under another
    name and renamed, so that there is a whole one whenever the fit is killed.

    Args:
        path: The file, whose folder need not exist.
        settings: Of the run; what others have left is refused.
        every_seconds: Least seconds from one writing to the next. The end of a fit is written too.
        keeps_interrupted: Whether Ctrl-C is such an end, after which the fit does not go on: where
            other fits begin from what it has learned.
    """

    def __init__(
        self,
        path: Path,
        settings: BaseModel,
        every_seconds: float,
        *,
        keeps_interrupted: bool = False,
    ) -> None:
        self.path, self._settings, self._pause = path, settings, every_seconds
        self.keeps_interrupted = keeps_interrupted
        self._about: dict[str, Any] = {}
        self._written = time.monotonic()

    def begin(self, state: State, train: Data, validation: Data | None) -> None:
        """Bring the state of a fit that begins to where the file, if there is one, left it.

        Raises:
            DataError: If the file is damaged, or of a fit with other settings or data.
        """
        self._about = self._describe(state, train, validation)
        try:
            head, tensors = _read(self.path)
            self._refuse_another(head)
            restore(state, History.model_validate_json(head["history"]), tensors)
        except FileNotFoundError:
            return
        except DataError:
            raise
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise self._damaged(str(error)) from None
        LOG.info("%s: going on after epoch %g", self.path, state.history.epochs)

    def keep(self, state: State) -> None:
        """Write the state after a validation, if the last writing is long ago or the fit ends."""
        history, began = state.history, time.monotonic()
        waits = history.stopped is None and began - self._written < self._pause
        if waits or not history.kept_look:
            return
        _write(self.path, self._about, state)
        self._written = time.monotonic()
        self._pause = max(self._pause, (self._written - began) / _SHARE)

    def _describe(self, state: State, train: Data, validation: Data | None) -> dict[str, Any]:
        """Tell this fit from others, before its first step."""
        few = train.thinned(_TOLD_BY)
        batch = few.batch(few.chunks(_TOLD_BY)[0])
        weights, drawn = state.model.state_dict(), _states(state.streams)
        told = (one for one in (*batch.inputs, batch.y) if isinstance(one, Tensor))
        return {
            "settings": self._settings.model_dump(mode="json"),
            "weights": {name: list(weight.shape) for name, weight in weights.items()},
            "examples": [len(train), 0 if validation is None else len(validation)],
            "begins": _digest([*weights.values(), *drawn.values(), *told]),
        }

    def _refuse_another(self, head: Mapping[str, str]) -> None:
        version, about = json.loads(head["format_version"]), json.loads(head["about"])
        if version != FORMAT_VERSION:
            what = f"its format_version is {version} there and {FORMAT_VERSION} here"
        elif about == self._about:
            return
        else:
            settings = about["settings"], self._about["settings"]
            what = difference(*settings) or "its data, first weights or random numbers are others"
        raise DataError(
            f"{self.path} must be a checkpoint of this fit, got one of another: {what}; delete it "
            "to fit anew"
        )

    def _damaged(self, reason: str) -> DataError:
        return DataError(
            f"{self.path} must be a checkpoint of a fit, got a file that is damaged: "
            f"{shortened(' '.join(reason.split()))}; delete it to fit anew"
        )


def _write(path: Path, about: Mapping[str, Any], state: State) -> None:
    tensors = {name: tensor.detach().cpu().clone() for name, tensor in tensors_of(state).items()}
    head = {
        "format_version": json.dumps(FORMAT_VERSION),
        "about": json.dumps(about),
        "history": state.history.model_dump_json(),
        ENTRY: Origin.here().model_dump_json(),
    }
    with new_file(path) as file:
        file.write(save(tensors, {**head, "digest": _digest_of(head, tensors)}))


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    check_regular(path)
    with safe_open(path, framework="pt") as file:
        head = dict(file.metadata() or {})
        # of memory of their own: the file may be replaced
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    if head.pop("digest", None) != _digest_of(head, tensors):
        raise ValueError("its digest is not that of what it holds")
    return head, tensors


def tensors_of(state: State) -> dict[str, Tensor]:
    """Give everything that is a tensor, each under the name of its group."""
    of_optimizer = state.optimizer.state_dict()["state"]
    groups: dict[str, Mapping[str, Tensor]] = {
        "model": state.model.state_dict(),
        "average": state.average.state_dict(),
        "kept": state.kept,
        "optimizer": {
            f"{index}/{name}": value
            for index, own in of_optimizer.items()
            for name, value in own.items()
        },
        # a fit that goes on draws its batches again
        "streams": {name: one for name, one in _states(state.streams).items() if name != "batches"},
    }
    return {f"{group}/{name}": one for group, own in groups.items() for name, one in own.items()}


def restore(state: State, history: History, tensors: Mapping[str, Tensor]) -> None:
    """Bring a state to another, of which these are the history and what `tensors_of` gave."""

    def group(name: str) -> dict[str, Tensor]:
        own = {key.partition("/"): tensor for key, tensor in tensors.items()}
        return {rest: tensor for (head, _, rest), tensor in own.items() if head == name}

    of_optimizer: dict[int, dict[str, Tensor]] = {}
    for key, tensor in group("optimizer").items():
        index, _, name = key.partition("/")
        of_optimizer.setdefault(int(index), {})[name] = tensor
    state.model.load_state_dict(group("model"))
    state.average.load_state_dict(group("average"))
    groups = state.optimizer.state_dict()["param_groups"]
    state.optimizer.load_state_dict({"state": of_optimizer, "param_groups": groups})
    for name, drawn in group("streams").items():
        getattr(state.streams, name).set_state(drawn)
    state.history, state.kept = history, group("kept")


def _states(streams: Streams) -> dict[str, Tensor]:
    return {name: stream.get_state() for name, stream in streams._asdict().items()}


def _digest_of(head: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    texts = [
        *sorted(head.items()),
        *sorted((name, str(one.shape)) for name, one in tensors.items()),
    ]
    return _digest((tensors[name] for name in sorted(tensors)), json.dumps(texts))


def _digest(tensors: Iterable[Tensor], text: str = "") -> str:
    digest = hashlib.sha256(text.encode())
    for tensor in tensors:
        plain = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(plain.numpy().data)
    return digest.hexdigest()
