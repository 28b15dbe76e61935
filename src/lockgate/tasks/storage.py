"""Read and write the files of a fitted folder, as data."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from lockgate.errors import DataError, listed, quoted, shortened
from lockgate.files import check_regular, memory_at_hand, new_file, read_regular, write_text
from lockgate.tasks.card import FILE, About, card

FITTED_VERSION = 2
KNOWN_VERSIONS = (1, 2)
MOST_FITS = 1_000
MOST_JSON_BYTES = 16 * 2**20
Model = TypeVar("Model", bound=nn.Module)


def write_fitted(
    folder: Path,
    task: str,
    models: Sequence[nn.Module],
    config: BaseModel,
    preprocessing: BaseModel,
    metrics: Mapping[str, Any],
    about: About,
    **more: Any,
) -> None:
    """Write weights as safetensors and all else as JSON into a folder that exists.

    Args:
        folder: Where to.
        task: Name of the task.
        models: The network, or several of one form.
        config: The settings of its run.
        preprocessing: What was learned beside its weights.
        metrics: Its scores.
        about: What its card tells of it.
        more: Further entries of `config.json`.
    """
    settings = config.model_dump(mode="json")
    head = {"format_version": FITTED_VERSION, "task": task, "fits": len(models), **more}
    for name, model in zip(weight_files(len(models)), models, strict=True):
        state = {key: tensor.cpu() for key, tensor in model.state_dict().items()}
        with new_file(folder / name) as file:
            file.write(save(state))
    write_text(folder / "config.json", json.dumps({**head, **settings}, indent=2))
    write_text(folder / "preprocessing.json", preprocessing.model_dump_json(indent=2))
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2))
    write_text(folder / FILE, card(about, metrics))


def weight_files(fits: int) -> list[str]:
    """Name the files of the weights of so many networks."""
    if fits == 1:
        return ["model.safetensors"]
    return [f"model-{number}.safetensors" for number in range(1, fits + 1)]


class Stored(NamedTuple):
    """The settings of a fitted folder as they were written."""

    version: int
    config: dict[str, Any]
    fits: int  # networks in it


def is_of_today(folder: Path) -> bool:
    """Tell whether a folder has the format that is written today."""
    return read_json(folder / "config.json").get("format_version") == FITTED_VERSION


def read_config(folder: Path, task: str) -> Stored:
    """Read `config.json` of a folder that holds a model of `task`, of any known format.

    Raises:
        DataError: If it holds none, or one of a later format.
    """
    config = read_json(folder / "config.json")
    version = config.pop("format_version", None)
    if version not in KNOWN_VERSIONS:
        known = listed(map(str, KNOWN_VERSIONS))
        raise DataError(
            f"{folder} must have format_version {known}, got {shortened(str(version))}; use "
            f"the lockgate that "
            "wrote it, or a later one"
        )
    # a forecaster of the first format does not name its task
    if (name := config.pop("task", "forecast")) != task:
        raise DataError(f"{folder} must hold a model of the task {task!r}, got {quoted(name)}")
    fits = config.pop("fits", 1)  # earlier folders hold one
    if type(fits) is not int or not 1 <= fits <= MOST_FITS:
        raise DataError(f"{folder} must hold 1 to {MOST_FITS} fits, got {shortened(repr(fits))}")
    return Stored(version, config, fits)


def read_weights(
    path: Path, check: Callable[[dict[str, Tensor]], None], build: Callable[[], Model]
) -> Model:
    """Build a network and give it the weights of `path`, in evaluation mode.

    Args:
        path: A file of safetensors.
        check: Refuses weights of other sizes than the configuration asks for: it may ask for any,
            so they are compared before anything is built.
        build: Builds the network.

    Raises:
        DataError: If the file holds no such weights.
    """
    state = read_tensors(path)
    check(state)
    try:
        with torch.device("meta"):
            model = build()
        model.load_state_dict(state, assign=True)
    # sizes that no tensor can have raise any of these
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path} must hold the weights of config.json's model: {reason}") from None
    return model.eval()


def read_tensors(path: Path, *, finite: bool = True) -> dict[str, Tensor]:
    """Read a file of safetensors, whose numbers are finite unless `finite` is False.

    Raises:
        DataError: If it is none, or is larger than memory.
    """
    try:
        check_regular(path)
        if path.stat().st_size > (most := memory_at_hand() // 2):
            raise DataError(f"{path} must be at most half of the free memory, {most:,} bytes")
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        reason = shortened(" ".join(str(error).split()))
        raise DataError(f"{path} must hold weights as safetensors: {reason}") from None
    for name, tensor in state.items():
        if finite and not torch.isfinite(tensor).all():
            raise DataError(f"{path} must hold finite weights, got others in {quoted(name)}")
    return state


def fault_in(folder: Path, error: ValidationError) -> DataError:
    """Tell of the first fault that a folder's JSON has."""
    fault = error.errors()[0]
    where = shortened(".".join(str(part) for part in fault["loc"]))
    return DataError(f"{folder} is no fitted model: {where}: {shortened(fault['msg'])}")


def check_fields(folder: Path, faulty: Mapping[str, bool]) -> None:
    """Refuse a folder of which some fields of the preprocessing are faulty."""
    if names := [name for name, fault in faulty.items() if fault]:
        raise DataError(
            f"{folder} is no fitted model: preprocessing.json holds faulty {', '.join(names)}"
        )


def check_tensors(must: str, state: Mapping[str, Tensor], layers: int) -> None:
    """Refuse weights that are too few for so many layers, or no float32; `must` says of what."""
    if layers > len(state):
        raise DataError(f"{must}, {layers} layers, got {len(state)} tensors")
    if other := {str(tensor.dtype) for tensor in state.values()} - {"torch.float32"}:
        raise DataError(f"{must} in float32, got {', '.join(sorted(other))}")


class StoredMetrics(BaseModel):
    """What is read of `metrics.json` beside what is only shown."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    mase_scale: Annotated[float, Field(gt=0)] | None = None
    notices: tuple[str, ...] = ()


def read_metrics(folder: Path) -> dict[str, Any]:
    """Read `metrics.json`.

    Raises:
        DataError: If it holds no metrics.
    """
    metrics = read_json(folder / "metrics.json")
    try:
        StoredMetrics.model_validate(metrics)
    except ValidationError as error:
        raise fault_in(folder, error) from None
    return metrics


def read_json(path: Path) -> dict[str, Any]:
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {shortened(str(error))}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold a JSON object")
    return content


def read_text(path: Path) -> str:
    try:
        return read_regular(path, MOST_JSON_BYTES).decode()
    except OSError as error:
        raise DataError(
            f"{path.parent} is no fitted model: {error.strerror}: {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be JSON in UTF-8: {error}") from None
