"""Read and write the files of a fitted folder, as data."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from lockgate.data.errors import DataError
from lockgate.data.files import new_file, write_text

MOST_JSON_BYTES = 16 * 2**20
Model = TypeVar("Model", bound=nn.Module)


def write_files(
    folder: Path,
    model: nn.Module,
    config: Mapping[str, Any],
    preprocessing: BaseModel,
    metrics: Mapping[str, Any],
) -> None:
    """Write weights as safetensors and all else as JSON into a folder that exists."""
    state = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
    with new_file(folder / "model.safetensors") as file:
        file.write(save(state))
    write_text(folder / "config.json", json.dumps(config, indent=2))
    write_text(folder / "preprocessing.json", preprocessing.model_dump_json(indent=2))
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2))


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
    try:
        state = load_file(path)
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} must hold weights as safetensors: {error}") from None
    check(state)
    try:
        with torch.device("meta"):
            model = build()
        model.load_state_dict(state, assign=True)
    # sizes that no tensor can have are told in each of these
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        reason = " ".join(str(error).split())[:300]
        raise DataError(f"{path} must hold the weights of config.json's model: {reason}") from None
    return model.eval()


def fault_in(folder: Path, error: ValidationError) -> DataError:
    """Tell of the first fault that a folder's JSON has."""
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"])
    return DataError(f"{folder} is no fitted model: {where}: {fault['msg']}")


def read_json(path: Path) -> dict[str, Any]:
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} must be JSON: {error}") from None
    if not isinstance(content, dict):
        raise DataError(f"{path} must hold a JSON object")
    return content


def read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_JSON_BYTES:
            raise DataError(f"{path} must be at most {MOST_JSON_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"{path.parent} is no fitted model: {error.strerror}: {path.name}"
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path} must be JSON in UTF-8: {error}") from None
