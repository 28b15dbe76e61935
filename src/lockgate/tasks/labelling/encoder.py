"""Embedding and stack of a classifier of texts as a language model left them, in one file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors.torch import save
from torch import Tensor

from lockgate.errors import DataError, listed, option, quoted
from lockgate.files import new_file
from lockgate.tasks.labelling.config import ClassifierConfig, LabelledConfig
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.tokens import Tokens
from lockgate.tasks.storage import check_tensors, read_tensors

FILE = "encoder.safetensors"
SIZES = ("cell", "num_layers", "hidden_size", "bidirectional", "layer_norm", "embedding_size")
"""Settings of a network that its weights are for."""
READ_ALIKE = ("tokens", "lowercase", "clean_html")
_PARTS = ("embedding.", "stack.")


@dataclass(frozen=True)
class Encoder:
    """What a classifier of texts begins from, with the tokens and the sizes that it is for."""

    tokenizer: str = field(repr=False)
    """As JSON."""
    network: ClassifierConfig
    """Of which `SIZES` are meant."""
    weights: Mapping[str, Tensor] = field(repr=False)
    """Of embedding and stack, by their names in a `ClassifierNetwork`."""
    source: str = ""
    """What messages call it: the path that it was read from."""

    @staticmethod
    def of(classifier: ClassifierNetwork, tokenizer: str, network: ClassifierConfig) -> "Encoder":
        """Keep what embedding and stack of a network are now."""
        weights = {
            name: weight.detach().cpu().clone()
            for name, weight in classifier.state_dict().items()
            if name.startswith(_PARTS)
        }
        return Encoder(tokenizer, network, weights)

    @cached_property
    def tokens(self) -> Tokens:
        """How texts are taken apart."""
        return Tokens.from_json(self.tokenizer)

    def begin(self, classifier: ClassifierNetwork) -> None:
        """Give a network these weights; its head stays as it is."""
        classifier.load_state_dict({**classifier.state_dict(), **self.weights})

    def check(self, network: ClassifierConfig, of: str = "") -> None:
        """Refuse a network of other sizes; `of` names it, where there are several.

        Raises:
            DataError: With the setting that would fit.
        """
        own, others = _sizes(self.network), _sizes(network)
        for name in SIZES:
            if own[name] != others[name]:
                self._refuse(name, own[name], others[name], of)

    def check_reading(self, data: LabelledConfig) -> None:
        """Refuse settings by which texts would be taken apart in another way.

        Raises:
            DataError: With the setting that would fit.
        """
        own = {
            "tokens": self.tokens.kind,
            "lowercase": self.tokens.lowercase,
            "clean_html": self.tokens.clean_html,
        }
        for name in READ_ALIKE:
            asked = getattr(data, name)
            if asked not in (own[name], "auto"):
                self._refuse(name, own[name], asked)

    def _refuse(self, name: str, own: Any, got: Any, of: str = "") -> None:
        must = f"{name} must be {_shown(own)}, that of the encoder in {quoted(self.source)}"
        if of:
            raise DataError(f"{must}, got {_shown(got)} in {of}; name other rungs (--rungs)")
        remedy = f"{name}={own!r} (--set {name}={_plain(own)})"
        raise DataError(
            f"{must}, got {_shown(got)}; pass {option(name, own) if name == 'cell' else remedy}"
        )

    def write_into(self, folder: Path) -> None:
        """Write it as a file into a folder that exists; see `write`."""
        self.write(folder / FILE)

    def write(self, path: Path) -> None:
        """Write the weights as safetensors, and tokens and sizes as bytes of JSON among them."""
        sizes = self.network.model_dump(mode="json", include=set(SIZES))
        told = json.dumps({"network": sizes, "tokenizer": self.tokenizer})
        state = {name: weight.contiguous() for name, weight in self.weights.items()}
        state["told"] = torch.frombuffer(bytearray(told.encode()), dtype=torch.uint8)
        with new_file(path) as file:
            file.write(save(state))


def find_encoder(path: str | Path) -> Encoder:
    """Read the encoder of a fitted folder, of the folder of a study, or of a file.

    Raises:
        DataError: If there is none.
    """
    place = Path(path)
    if place.is_dir():
        inside = [place / FILE, place / "fitted" / FILE]
        place = next((one for one in inside if one.exists()), place)
    if not place.is_file():
        what = "a folder without one" if place.is_dir() else "nothing there"
        raise DataError(
            f"encoder must be a fitted folder with {FILE}, or such a file, got {what} at "
            f"{quoted(str(path))}; train one on texts (lockgate train ... --pretrain)"
        )
    return read_encoder(place)


def read_encoder(path: Path) -> Encoder:
    """Read what `Encoder.write` wrote, as data: no code of it is run.

    Raises:
        DataError: If it is anything else.
    """
    must = f"{path} must hold an encoder of texts"
    state = read_tensors(path)
    tokenizer, told = _told(must, state.pop("told", None))
    try:
        network = ClassifierConfig.model_validate(told)
        tokens = Tokens.from_json(tokenizer)
    except ValidationError as error:
        raise DataError(f"{must}: {error.errors()[0]['msg'][:200]}") from None
    except DataError as error:
        raise DataError(f"{must}: {error}") from None
    _check_shapes(must, state, network, tokens.size)
    return Encoder(tokenizer, network, state, str(path))


def _told(must: str, data: Tensor | None) -> tuple[str, dict[str, Any]]:
    """Return the tokenizer as JSON and the sizes of the network."""
    try:
        assert data is not None
        assert data.dtype == torch.uint8
        match json.loads(data.numpy().tobytes().decode()):
            case {"network": dict(network), "tokenizer": str(tokenizer), **rest} if (
                not rest and set(network) == set(SIZES)
            ):
                return tokenizer, network
    except (AssertionError, ValueError, RecursionError):
        pass
    raise DataError(f"{must}: told must be JSON of its tokens and of {listed(SIZES)}")


def _check_shapes(
    must: str, state: dict[str, Tensor], network: ClassifierConfig, tokens: int
) -> None:
    """Refuse weights of other names, shapes or types than the sizes ask for."""
    # a file may ask for any size: before anything is built it is compared with what is there
    layers, size = len(network.layer_sizes), network.layer_sizes[0]
    embedding, first = state.get("embedding.weight"), state.get("stack.weight_hh_l0")
    shape = (tokens, network.embedding_size)
    if embedding is None or tuple(embedding.shape) != shape:
        raise DataError(f"{must}: embedding.weight must have shape {shape}")
    if first is None or first.shape[1:] != (size,):
        raise DataError(f"{must}: its hidden_size must be {size}")
    check_tensors(must, state, layers)
    try:
        with torch.device("meta"):
            built = ClassifierNetwork(0, tokens, 2, network).state_dict()
    # sizes that no tensor can have raise any of these
    except (RuntimeError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{must}: {' '.join(str(error).split())[:200]}") from None
    asked = {name: one.shape for name, one in built.items() if name.startswith(_PARTS)}
    if asked != {name: weight.shape for name, weight in state.items()}:
        wrong = [name for name in {**asked, **state} if not _fits(name, asked, state)]
        raise DataError(f"{must}: {listed(wrong, 3)} must have the shapes that its sizes ask for")


def _fits(name: str, asked: Mapping[str, torch.Size], state: Mapping[str, Tensor]) -> bool:
    return name in asked and name in state and asked[name] == state[name].shape


def _sizes(network: ClassifierConfig) -> dict[str, Any]:
    """Return the sizes in one form: by layer only where layers differ."""
    sizes, directions = network.layer_sizes, network.layer_directions
    by_layer = {"hidden_size": sizes, "bidirectional": directions}
    plain = {name: v[0] if len(set(v)) == 1 else v for name, v in by_layer.items()}
    own = {name: getattr(network, name) for name in SIZES}
    return {**own, "num_layers": len(sizes), **plain}


def _shown(value: Any) -> str:
    if isinstance(value, bool | tuple):
        return _plain(value)
    return quoted(value) if isinstance(value, str) else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(_plain, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
