"""An encoder is one file of weights, tokens and sizes, and begins networks of its sizes alone."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lockgate.errors import DataError
from lockgate.tasks.labelling.config import ClassifierConfig, LabelledConfig
from lockgate.tasks.labelling.encoder import FILE, Encoder, find_encoder, read_encoder
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.tokens import learn_tokens

TOKENS = learn_tokens(["a good film", "a bad film"], kind="word", min_count=1)


def settings(**more: Any) -> ClassifierConfig:
    return ClassifierConfig.model_validate({"hidden_size": 6, "embedding_size": 3, **more})


def network(seed: int, config: ClassifierConfig) -> ClassifierNetwork:
    weights = torch.Generator().manual_seed(seed)
    return ClassifierNetwork(0, TOKENS.size, 2, config, generator=weights)


def encoder(**more: Any) -> Encoder:
    config = settings(**more)
    return Encoder.of(network(0, config), TOKENS.to_json(), config)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    encoder().write_into(tmp_path)
    return tmp_path / FILE


LAYERS = {
    "one": {},
    "sizes": {"hidden_size": (6, 4), "bidirectional": False},
    "normed gru": {"cell": "gru", "layer_norm": True},
}


@pytest.mark.parametrize("more", LAYERS.values(), ids=LAYERS)
def test_what_was_written_begins_another_network_but_for_its_head(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    written = encoder(**more)
    written.write_into(tmp_path)
    read, other = find_encoder(tmp_path), network(1, settings(**more))
    head = other.head.weight.clone()

    read.check(settings(**more))
    read.begin(other)

    assert read.tokens.vocabulary == TOKENS.vocabulary
    one, begun = network(0, settings(**more)).state_dict(), other.state_dict()
    inner = [name for name in one if name.startswith(("embedding.", "stack."))]
    assert set(written.weights) == set(inner)
    assert all(torch.equal(one[name], begun[name]) for name in inner)
    assert torch.equal(other.head.weight, head)


def test_a_file_a_folder_and_the_folder_of_a_study_are_found(path: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    (study / "fitted").mkdir(parents=True)
    encoder().write_into(study / "fitted")

    found = [find_encoder(one) for one in (path, str(tmp_path), study)]

    assert {one.network.layer_sizes for one in found} == {(6,)}


@pytest.mark.parametrize(
    ("where", "got"), [("", "a folder without one"), ("no/such", "nothing there")]
)
def test_a_place_without_an_encoder_is_refused(tmp_path: Path, where: str, got: str) -> None:
    match = (
        f"encoder must be a fitted folder with {FILE}, or such a file, got {got} at .*--pretrain"
    )
    with pytest.raises(DataError, match=match):
        find_encoder(tmp_path / where)


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "cell": ({"cell": "gru"}, r"'lstm', .* got 'gru'; pass cell=\"lstm\" \(--cell lstm\)"),
    "hidden_size": (
        {"hidden_size": 8},
        r"6, that of the encoder in '.*', got 8; pass hidden_size=6 \(--set hidden_size=6\)",
    ),
    "num_layers": ({"num_layers": 2}, r"1, .*, got 2; pass num_layers=1 \(--set num_layers=1\)"),
    "bidirectional": (
        {"bidirectional": False},
        r"true, .* got false; pass bidirectional=True \(--set bidirectional=true\)",
    ),
    "layer_norm": ({"layer_norm": True}, "false, .* got true"),
    "embedding_size": ({"embedding_size": 4}, "3, .* got 4"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_network_of_other_sizes_is_refused_with_the_remedy(path: Path, name: str) -> None:
    more, rest = OTHERS[name]

    with pytest.raises(DataError, match=f"{name} must be {rest}"):
        find_encoder(path).check(settings(**more))


def test_sizes_may_be_spelled_by_layer(path: Path) -> None:
    find_encoder(path).check(settings(hidden_size=(6,), bidirectional=(True,)))


@pytest.mark.parametrize(
    ("name", "value", "rest"),
    [("tokens", "char", "'word', .* got 'char'"), ("lowercase", False, "true, .* got false")],
)
def test_texts_taken_apart_in_another_way_are_refused(
    path: Path, name: str, value: Any, rest: str
) -> None:
    read = find_encoder(path)

    read.check_reading(LabelledConfig())
    with pytest.raises(DataError, match=f"{name} must be {rest}"):
        read.check_reading(LabelledConfig.model_validate({name: value}))


def change(path: Path, **tensors: Any) -> None:
    state = {**load_file(path), **tensors}
    save_file({name: tensor for name, tensor in state.items() if tensor is not None}, path)


def told(path: Path, **changes: Any) -> torch.Tensor:
    content = json.loads(load_file(path)["told"].numpy().tobytes())
    content["network"] |= changes
    return torch.frombuffer(bytearray(json.dumps(content).encode()), dtype=torch.uint8)


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pickle"])
def test_a_damaged_file_is_refused_by_name(path: Path, damage: str) -> None:
    data = path.read_bytes()
    path.write_bytes(
        {"cut": data[:100], "empty": b"", "text": b"{}", "pickle": b"\x80\x04N."}[damage]
    )

    with pytest.raises(DataError, match=rf"{FILE} must hold weights as safetensors"):
        read_encoder(path)


def test_other_contents_are_refused(path: Path) -> None:
    whole = path.read_bytes()
    more = {
        "embedding.weight must have shape": {"embedding.weight": torch.zeros(2, 3)},
        "told must be JSON of its tokens": {"told": None},
        "told must be JSON of .* and of cell": {"told": torch.zeros(4, dtype=torch.uint8)},
        "its hidden_size must be 6": {"stack.weight_hh_l0": torch.zeros(24, 5)},
        "stack.bias_ih_l0 must have the shapes": {"stack.bias_ih_l0": torch.zeros(3)},
        "head.weight must have the shapes": {"head.weight": torch.zeros(3)},
        "in float32, got torch.float64": {"stack.bias_ih_l0": torch.zeros(24).double()},
        "finite weights": {"stack.bias_ih_l0": torch.full((24,), torch.nan)},
    }
    for match, tensors in more.items():
        path.write_bytes(whole)
        change(path, **tensors)
        with pytest.raises(DataError, match=match):
            read_encoder(path)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"hidden_size": 2**62}, "its hidden_size must be"),
        ({"embedding_size": 2**62}, "embedding.weight must have shape"),
        ({"num_layers": 1_000}, "1000 layers, got"),
        ({"cell": "transformer"}, "must hold an encoder of texts: "),
        ({"other": 1}, "told must be JSON"),
    ],
)
def test_sizes_that_the_weights_have_not_are_refused(
    path: Path, changes: dict[str, Any], match: str
) -> None:
    change(path, told=told(path, **changes))

    with pytest.raises(DataError, match=match):
        read_encoder(path)
