"""Files of Keras models, read as data: nothing of them is run, and they bound what is read.

A `.keras` file is a zip archive of `config.json` and `model.weights.h5`; a `.weights.h5` file is
the latter alone. What a dataset may hold is what the configuration says, and all that is read
together is no more than the file's own size.
"""

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from lockgate.errors import need
from lockgate.interop.keras_options import as_mapping, kind_of, parts_of, snake_case

MAX_CONFIG_BYTES = 8 * 2**20
CONFIG, WEIGHTS = "config.json", "model.weights.h5"

Shape = Sequence[int | None]


class Node(NamedTuple):
    """A layer of a Keras model."""

    name: str
    kind: str  # its class in Keras
    config: Mapping[str, Any]
    place: Any  # where its weights are: the group in the file, or the live layer
    model: str  # the group of the model that holds it
    reads: str | None  # the layer whose output it reads, where it is one
    cell: str = "cell"  # the group of its cell, in its own
    of: str = ""  # the layer in the model, where that is an RNN around stacked cells


class Weights:
    """The datasets of an HDF5 file, of which no more is read than the file can hold."""

    def __init__(self, file: Any, h5py: Any, size: int) -> None:
        self._file, self._h5py, self._left = file, h5py, size

    def read(self, path: str, shape: Shape) -> Tensor:
        """Read a dataset of that shape; None is any size."""
        dataset = self._find(path)
        check_shape(path, dataset.shape, shape)
        brain = dataset.dtype.kind == "V" and str(dataset.attrs.get("dtype")) == "bfloat16"
        if not brain and (dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8):
            raise ValueError(f"{path} must be float16, 32 or 64 or bfloat16, got {dataset.dtype}")
        if dataset.external or dataset.is_virtual:
            raise ValueError(f"{path} must hold its own numbers, got a link to another file")
        self._left -= dataset.nbytes
        if self._left < 0:
            raise ValueError(
                f"{path} must be stored in full, got {dataset.nbytes} bytes in a file that holds "
                "fewer"
            )
        array = dataset[()]
        if brain:
            return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("=")))

    def _find(self, path: str) -> Any:
        here, *parts = self._file, *path.split("/")
        for part in parts:
            link = here.get(part, getlink=True) if isinstance(here, self._h5py.Group) else None
            if link is None:
                raise ValueError(f"source must hold the weights {path}, got none")
            if not isinstance(link, self._h5py.HardLink):
                raise ValueError(f"{path} must be in the file itself, got a link")
            here = here[part]
        if not isinstance(here, self._h5py.Dataset):
            raise ValueError(f"{path} must be an array, got a group")
        return here


def check_shape(what: str, got: Sequence[int], expected: Shape) -> None:
    """Raise unless an array has the shape that the configuration gives it."""
    fits = len(got) == len(expected) and all(
        n > 0 if m is None else n == m for n, m in zip(got, expected, strict=True)
    )
    if not fits:
        sizes = ", ".join("any" if n is None else str(n) for n in expected)
        raise ValueError(
            f"{what} must have shape ({sizes}) by the layer's configuration, got {tuple(got)}"
        )


@contextmanager
def open_model(path: Path, config: str | Mapping[str, Any] | None) -> Iterator[tuple[Any, Weights]]:
    """Open a file; give the configuration of the model, and its weights."""
    h5py = need("h5py", "lockgate.interop.from_keras")
    with path.open("rb") as file:
        if path.suffix != ".keras":
            if config is None:
                raise ValueError(
                    f"config must be the model's configuration with {path.name}, which has none, "
                    "got None. Pass model.to_json(), or a .keras file."
                )
            size = path.stat().st_size
            with _open_h5(h5py, file, path.name) as weights:
                yield _parsed(config, "config"), Weights(weights, h5py, size)
            return
        if config is not None:
            raise ValueError(f"config must be None with {path.name}, which has its own")
        with _open_zip(file, path.name) as archive:
            given = _read_config(archive, path.name)
            size = _stored(archive, WEIGHTS, path.name).file_size
            with archive.open(WEIGHTS) as entry, _open_h5(h5py, entry, WEIGHTS) as weights:
                yield given, Weights(weights, h5py, size)


@contextmanager
def _open_h5(h5py: Any, file: IO[bytes], name: str) -> Iterator[Any]:
    try:
        with h5py.File(file, "r") as opened:
            yield opened
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{name} must be an HDF5 file, got a damaged one: {error}") from error


@contextmanager
def _open_zip(file: IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{name} must be a zip archive, got a damaged one: {error}") from error


def _stored(archive: zipfile.ZipFile, entry: str, name: str) -> zipfile.ZipInfo:
    """Find an entry that is no larger than what the archive really holds of it."""
    if entry not in archive.namelist():
        raise ValueError(f"{name} must hold {entry}, got {archive.namelist()[:5]}")
    info = archive.getinfo(entry)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(
            f"{entry} in {name} must be stored as Keras does, uncompressed, got "
            f"{info.compress_size} bytes for {info.file_size}. Save the model again."
        )
    return info


def _read_config(archive: zipfile.ZipFile, name: str) -> Any:
    info = _stored(archive, CONFIG, name)
    if info.file_size > MAX_CONFIG_BYTES:
        raise ValueError(
            f"{CONFIG} in {name} must be at most {MAX_CONFIG_BYTES} bytes, got {info.file_size}"
        )
    return _parsed(archive.read(info), f"{CONFIG} in {name}")


def _parsed(config: str | bytes | Mapping[str, Any], what: str) -> Any:
    if isinstance(config, Mapping):
        return config
    if not isinstance(config, str | bytes):
        raise TypeError(f"{what} must be JSON, got {type(config).__name__}")
    if len(config) > MAX_CONFIG_BYTES:
        raise ValueError(f"{what} must be at most {MAX_CONFIG_BYTES} bytes, got {len(config)}")
    try:
        return json.loads(config)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} must be JSON, got what is none: {error}") from error


def stacked_nodes(node: Node) -> Iterator[Node]:
    """Give an RNN as the layers that its cells make, the last by its name; any other as it is."""
    parts = parts_of(node.kind, node.config)
    names = [f"{node.name}[{part.number}]" for part in parts[:-1]] + [node.name]
    reads = [node.reads, *names]
    for part, name, below in zip(parts, names, reads, strict=False):
        config = {**part.config, "name": name} if part.number is not None else part.config
        yield node._replace(
            name=name,
            kind=part.kind,
            config=config,
            reads=below,
            cell=part.group,
            of=node.name,
        )


def nodes_of(model: Any, group: str = "layers") -> Iterator[Node]:
    """List the layers of a model, and those of the models in it, from its configuration."""
    config = as_mapping(as_mapping(model, "the model's configuration").get("config"), "config")
    layers = config.get("layers")
    if not isinstance(layers, list):
        raise ValueError(
            "source must be a Sequential or functional model, whose configuration lists its "
            f"layers, got {model.get('class_name')!r}"
        )
    seen: dict[str, int] = {}
    previous = None
    for layer in layers:
        kind, own = kind_of(layer), as_mapping(layer.get("config"), "config of a layer")
        # Keras numbers the groups by class, whatever the names of the layers
        snake = snake_case(kind)
        seen[snake] = number = seen.get(snake, -1) + 1
        place = f"{group}/{snake}_{number}" if number else f"{group}/{snake}"
        name = str(own.get("name"))
        reads = _read_by(layer["inbound_nodes"]) if "inbound_nodes" in layer else previous
        yield from stacked_nodes(Node(name, kind, own, place, group, reads))
        if isinstance(own.get("layers"), list):
            yield from nodes_of(layer, f"{place}/layers")
        previous = name


def _read_by(inbound: Any) -> str | None:
    """Name the layer whose output is the first argument of a layer's only call."""
    try:
        (call,) = inbound
        return str(call["args"][0]["config"]["keras_history"][0])
    except (ValueError, TypeError, KeyError, IndexError):
        return None
