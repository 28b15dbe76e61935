"""A checkpoint in one file of safetensors: named groups of tensors, and JSON in its header."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

_KEY, _BETWEEN = "told", "/"


def write(path: Path, tensors: Mapping[str, Mapping[str, Tensor]], told: Mapping[str, Any]) -> None:
    """Write a checkpoint so that nobody finds a part of it."""
    flat = {
        f"{group}{_BETWEEN}{name}": value.detach().contiguous()
        for group, named in tensors.items()
        for name, value in named.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(flat, unfinished, metadata={_KEY: json.dumps(told)})
    os.replace(unfinished, path)


def read(path: Path) -> tuple[dict[str, dict[str, Tensor]], dict[str, Any]]:
    """Read a checkpoint onto the CPU; no code of the file runs."""
    groups: dict[str, dict[str, Tensor]] = {}
    with safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()[_KEY])
        for key in file.keys():  # noqa: SIM118  it is no dict
            group, _, name = key.partition(_BETWEEN)
            groups.setdefault(group, {})[name] = file.get_tensor(key)
    return groups, told
