"""Keras's files are read as data, without Keras, and no more of them than they can hold."""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockgate.interop import from_keras, keras_files, to_keras
from lockgate.nn import GRU, LSTM, RNN

h5py = pytest.importorskip("h5py", reason='`pip install "lockgate[keras]"` brings h5py')

GATES = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}
GROUPS = {"SimpleRNN": "simple_rnn", "LSTM": "lstm", "GRU": "gru"}


def layer_config(kind: str, name: str, units: int, **options: Any) -> dict[str, Any]:
    """Configure a layer as Keras writes it, but for initialisers."""
    config = {
        "name": name,
        "trainable": True,
        "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
        "return_sequences": True,
        "return_state": False,
        "go_backwards": False,
        "stateful": False,
        "unroll": False,
        "zero_output_for_mask": False,
        "units": units,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "kernel_regularizer": None,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
        "seed": None,
    }
    if kind == "SimpleRNN":
        del config["recurrent_activation"]
    if kind == "GRU":
        config["reset_after"] = True
    return {"module": "keras.layers", "class_name": kind, "config": {**config, **options}}


def arrays(kind: str, inputs: int, units: int) -> list[np.ndarray]:
    rng = np.random.default_rng(inputs)
    columns = GATES[kind] * units
    bias = (2, columns) if kind == "GRU" else (columns,)
    shapes = [(inputs, columns), (units, columns), bias]
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def model_config(*layers: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras", "class_name": "Sequential", "config": {"layers": list(layers)}}


def weights_file(groups: dict[str, list[np.ndarray]]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for group, values in groups.items():
            for number, value in enumerate(values):
                file[f"{group}/cell/vars/{number}"] = value
    return buffer.getvalue()


def keras_file(
    path: Path, config: Any, weights: bytes, compression: int = zipfile.ZIP_STORED
) -> Path:
    text = config if isinstance(config, str | bytes) else json.dumps(config)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", text)
        archive.writestr("model.weights.h5", weights)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write a .keras file of one LSTM with two units, but for what a test spoils."""

    def write(**spoilt: Any) -> Path:
        given = {
            "config": model_config(layer_config("LSTM", "a", 2)),
            "weights": weights_file({"layers/lstm": arrays("LSTM", 3, 2)}),
            **spoilt,
        }
        return keras_file(tmp_path / "m.keras", **given)

    return write


@pytest.mark.parametrize("kind", GATES)
def test_a_file_is_read(tmp_path: Path, kind: str) -> None:
    units, group = 2, f"layers/{GROUPS[kind]}"
    first, second = arrays(kind, 3, units), arrays(kind, units, units)
    config = model_config(
        {"class_name": "InputLayer", "config": {"name": "in"}},
        layer_config(kind, "a", units),
        layer_config(kind, "b", units, return_sequences=False),
        {"class_name": "Dense", "config": {"name": "head"}},
    )
    weights = weights_file({group: first, f"{group}_1": second})

    layer = from_keras(keras_file(tmp_path / "m.keras", config, weights))

    assert isinstance(layer, {"SimpleRNN": RNN, "LSTM": LSTM, "GRU": GRU}[kind])
    assert (layer.num_layers, layer.hidden_size, layer.batch_first) == (2, units, True)
    # by hand: gates z, r, h become r, z, n
    order = [2, 3, 0, 1, 4, 5] if kind == "GRU" else list(range(GATES[kind] * units))
    for number, (kernel, recurrent, bias) in enumerate([first, second]):
        rows = bias if kind == "GRU" else np.stack([bias, np.zeros_like(bias)])
        for name, value in (
            ("weight_ih", kernel.T[order]),
            ("weight_hh", recurrent.T[order]),
            ("bias_ih", rows[0][order]),
            ("bias_hh", rows[1][order]),
        ):
            got = getattr(layer, f"{name}_l{number}")
            torch.testing.assert_close(got.detach(), torch.from_numpy(value.copy()))


@pytest.mark.parametrize("form", [json.dumps, dict])
def test_weights_alone_are_read_with_a_configuration(tmp_path: Path, form: Any) -> None:
    path = tmp_path / "m.weights.h5"
    path.write_bytes(weights_file({"layers/lstm": arrays("LSTM", 3, 2)}))

    layer = from_keras(path, config=form(model_config(layer_config("LSTM", "a", 2))))

    assert layer.weight_ih_l0.shape == (8, 3)
    with pytest.raises(
        ValueError,
        match=r"config must be the model's configuration with m.weights.h5, which has none, got "
        r"None. Pass model.to_json\(\), or a .keras file.",
    ):
        from_keras(path)


def test_bfloat16_and_big_endian_are_read(tmp_path: Path) -> None:
    path, values = tmp_path / "m.weights.h5", arrays("LSTM", 3, 2)
    config = model_config(layer_config("LSTM", "a", 2))
    path.write_bytes(weights_file({"layers/lstm": [value.astype(">f4") for value in values]}))

    big = from_keras(path, config=config)
    with h5py.File(path, "w") as file:
        for number, value in enumerate(values):
            # Keras writes the two bytes as they are, and says so
            raw = (value.view("uint32") >> 16).astype("uint16").view("V2")
            name = f"layers/lstm/cell/vars/{number}"
            file.create_dataset(name, data=raw).attrs["dtype"] = "bfloat16"
    short = from_keras(path, config=config)

    kernel = torch.from_numpy(values[0].T.copy())
    assert torch.equal(big.weight_ih_l0, kernel)
    assert short.weight_ih_l0.dtype == torch.bfloat16
    torch.testing.assert_close(short.weight_ih_l0.detach().float(), kernel, rtol=1e-2, atol=0)


def test_of_a_model_with_others_the_named_layers_are_read(tmp_path: Path) -> None:
    config = model_config(
        layer_config("LSTM", "a", 2),
        {"class_name": "BatchNormalization", "config": {"name": "norm"}},
        layer_config("LSTM", "b", 2),
    )
    groups = {"layers/lstm": arrays("LSTM", 3, 2), "layers/lstm_1": arrays("LSTM", 2, 2)}
    path = keras_file(tmp_path / "m.keras", config, weights_file(groups))

    assert from_keras(path, layers="b").input_size == 2
    with pytest.raises(
        ValueError,
        match=r"layers must name layers that follow each other as one stack, with nothing but one "
        r"Dropout between two, got \['a', 'b'\]. Convert others one by one; the model has 'a' "
        r"\(LSTM\), 'b' \(LSTM\).",
    ):
        from_keras(path)
    with pytest.raises(
        ValueError, match=r"layers must name recurrent layers of the model, each once, got \['c'\]"
    ):
        from_keras(path, layers=["c"])


def test_nothing_of_a_file_is_run_and_keras_is_not_imported(write: Any) -> None:
    lambda_ = {"class_name": "Lambda", "config": {"name": "f", "function": ["gAR9lC4=", None]}}
    path = write(config=model_config(layer_config("LSTM", "a", 2), lambda_))
    code = (
        f"import lockgate, sys; lockgate.interop.from_keras({str(path)!r}); "
        "print({'keras', 'tensorflow', 'tf_keras'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def told(path: Path, **options: Any) -> str:
    """Give the error, which must be one sentence or two."""
    with pytest.raises(ValueError) as caught:
        from_keras(path, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"not a zip")

    assert told(path) == (
        "m.keras must be a zip archive, got a damaged one: File is not a zip file"
    )
    (tmp_path / "m.weights.h5").write_bytes(b"not h5")
    assert told(tmp_path / "m.weights.h5", config={}).startswith(
        "m.weights.h5 must be an HDF5 file, got a damaged one: "
    )
    assert told(tmp_path / "m.pkl") == (
        "source must be the path of a .keras or .weights.h5 file, got 'm.pkl'"
    )


def test_a_file_that_is_cut_off_is_told(write: Any) -> None:
    path = write()
    whole = path.read_bytes()

    for end in range(10, len(whole), 701):
        path.write_bytes(whole[:end])
        assert told(path).startswith("m.keras must be")


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        ({"config": "{"}, "config.json in m.keras must be JSON, got what is none: "),
        ({"config": "[" * 100_000}, "config.json in m.keras must be JSON, got what is none: "),
        ({"config": "[]"}, "the model's configuration must be a mapping, got list"),
        (
            {"config": {"class_name": "My", "config": {}}},
            "source must be a Sequential or functional model, whose configuration lists its "
            "layers, got 'My'",
        ),
        (
            {"config": model_config({"class_name": "Dense", "config": {"name": "d"}})},
            "source must hold a layer of SimpleRNN, LSTM, GRU, RNN, Bidirectional, got none",
        ),
        (
            {"config": model_config({"class_name": "LSTM", "module": "evil", "config": {}})},
            "source must hold a layer of SimpleRNN, LSTM, GRU, RNN, Bidirectional, got none",
        ),
        (
            {"config": model_config(layer_config("LSTM", "a", "many"))},
            "units of 'a' must be an integer of at least 1, got 'many'.",
        ),
        (
            {"config": model_config({"class_name": "LSTM", "config": {"name": "a"}})},
            "recurrent_activation of 'a' must be 'sigmoid', got nothing; units of 'a' must be an "
            "integer of at least 1, got nothing; use_bias of 'a' must be True or False, got",
        ),
        (
            {"config": model_config(layer_config("LSTM", "a", 3))},
            "layers/lstm/cell/vars/0 must have shape (any, 12) by the layer's configuration, got "
            "(3, 8)",
        ),
        (
            {"config": model_config(layer_config("GRU", "a", 2))},
            "source must hold the weights layers/gru/cell/vars/0, got none",
        ),
        (
            {"weights": weights_file({})},
            "source must hold the weights layers/lstm/cell/vars/0, got none",
        ),
        (
            {"weights": weights_file({"layers/lstm": arrays("LSTM", 3, 2)[:2]})},
            "source must hold the weights layers/lstm/cell/vars/2, got none",
        ),
        (
            {"weights": weights_file({"layers/lstm": [np.zeros((3, 8), "int64")]})},
            "layers/lstm/cell/vars/0 must be float16, 32 or 64 or bfloat16, got int64",
        ),
        ({"weights": b"no"}, "model.weights.h5 must be an HDF5 file, got a damaged one: "),
        (
            {"compression": zipfile.ZIP_DEFLATED},
            "config.json in m.keras must be stored as Keras does, uncompressed, got ",
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_file_that_is_not_as_keras_writes_it_is_told(
    write: Any, spoilt: dict[str, Any], message: str
) -> None:
    assert told(write(**spoilt)).startswith(message)


def test_an_archive_without_weights_is_told(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")

    assert told(path) == "m.keras must hold model.weights.h5, got ['config.json']"


def test_a_configuration_of_absurd_size_is_not_read(write: Any, tmp_path: Path) -> None:
    long = " " * (keras_files.MAX_CONFIG_BYTES + 1)

    assert told(write(config=long)) == (
        "config.json in m.keras must be at most 8388608 bytes, got 8388609"
    )
    path = tmp_path / "m.weights.h5"
    path.write_bytes(weights_file({}))
    assert told(path, config=long) == "config must be at most 8388608 bytes, got 8388609"


def test_arrays_that_no_file_of_this_size_holds_are_not_read(write: Any) -> None:
    units = 100_000
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        # 160 GB of nothing
        shapes = ((3, 4 * units), (units, 4 * units), (4 * units,))
        for number, shape in enumerate(shapes):
            file.create_dataset(f"layers/lstm/cell/vars/{number}", shape, "f4", chunks=True)
    config = model_config(layer_config("LSTM", "a", units))

    text = told(write(config=config, weights=buffer.getvalue()))

    assert text == (
        "layers/lstm/cell/vars/0 must be stored in full, got 4800000 bytes in a file that holds "
        "fewer"
    )


def test_one_array_is_not_read_many_times(write: Any) -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/lstm/cell/vars/0"] = np.zeros((20, 80), "f4")
        file["layers/lstm/cell/vars/1"] = np.zeros((20, 80), "f4")
        file["layers/lstm/cell/vars/2"] = np.zeros(80, "f4")
        for number in range(1, 100):
            file[f"layers/lstm_{number}"] = file["layers/lstm"]
    config = model_config(*(layer_config("LSTM", f"l{i}", 20) for i in range(100)))

    assert "must be stored in full" in told(write(config=config, weights=buffer.getvalue()))


def test_links_are_not_followed(write: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros((3, 8), "f4")
    outside = str(tmp_path / "other.h5")
    links = [h5py.SoftLink("/elsewhere"), h5py.ExternalLink(outside, "/x")]
    for link in links:
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            file["elsewhere"] = np.zeros((3, 8), "f4")
            file["layers/lstm/cell/vars/0"] = link

        assert told(write(weights=buffer.getvalue())) == (
            "layers/lstm/cell/vars/0 must be in the file itself, got a link"
        )


def test_numbers_of_other_files_are_not_read(write: Any, tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(bytes(3 * 8 * 4))
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["x"] = np.zeros((3, 8), "f4")
    layout = h5py.VirtualLayout((3, 8), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (3, 8))
    name = "layers/lstm/cell/vars/0"
    for virtual in (True, False):
        path = tmp_path / "w.h5"
        with h5py.File(path, "w") as file:
            if virtual:
                file.create_virtual_dataset(name, layout)
            else:
                file.create_dataset(name, (3, 8), "f4", external=[(str(tmp_path / "raw"), 0, 96)])

        assert told(write(weights=path.read_bytes())) == (
            f"{name} must hold its own numbers, got a link to another file"
        )


def test_a_configuration_beside_a_keras_file_is_refused(write: Any) -> None:
    assert told(write(), config={}) == "config must be None with m.keras, which has its own"


def test_wrong_arguments_are_told(write: Any) -> None:
    assert told(write(), ignore=["units"]) == (
        "ignore must name no option that the weights or the rates need, got 'units'"
    )
    with pytest.raises(TypeError, match="ignore must be a list of names of Keras options, got 'a'"):
        from_keras(write(), ignore="a")
    with pytest.raises(TypeError, match=r"source must be a Keras layer, a list of .*, got int"):
        from_keras(3)
    with pytest.raises(ValueError, match="layers and config must be None where source is no file"):
        from_keras([], layers="a")


@pytest.mark.parametrize(
    ("absent", "call", "message"),
    [
        (
            "h5py",
            lambda path: from_keras(path),
            'lockgate.interop.from_keras needs h5py: pip install "lockgate[keras]"',
        ),
        (
            "keras",
            lambda _: to_keras(GRU(2, 3)),
            "lockgate.interop.to_keras needs keras: pip install keras tensorflow, or keras alone "
            "and set KERAS_BACKEND=torch",
        ),
    ],
    ids=["h5py", "keras"],
)
def test_what_is_not_installed_is_told(
    write: Any, monkeypatch: pytest.MonkeyPatch, absent: str, call: Any, message: str
) -> None:
    path = write()
    # as the import system has it that such a module is not there
    monkeypatch.setitem(sys.modules, absent, None)

    with pytest.raises(ModuleNotFoundError, match=f"^{re.escape(message)}$"):
        call(path)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LSTM(3, 5, proj_size=2), "proj_size must be 0, got 2"),
        (
            GRU(3, 5, layer_norm=True, zoneout=0.1),
            "layer_norm must be False, got True; zoneout must be 0, got 0.1",
        ),
        (RNN(3, 5, 2, residual=True), "residual must be False, got True"),
        (RNN(3, 5, learn_initial_state=True), "learn_initial_state must be False, got True"),
        (
            RNN(3, 5, dtype=torch.bfloat16),
            "dtype must be float16, 32 or 64, got bfloat16",
        ),
    ],
)
def test_what_keras_lacks_is_refused(layer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}: Keras has no such layer. Keep the lockgate"):
        to_keras(layer)


def test_only_a_layer_goes_out() -> None:
    with pytest.raises(TypeError, match=r"layer must be a lockgate.nn.RNN, LSTM or GRU, got LSTM"):
        to_keras(torch.nn.LSTM(2, 3))  # type: ignore[arg-type]


class Live:
    """A live layer, as far as it is looked at."""

    def __init__(self, config: dict[str, Any], weights: list[np.ndarray]) -> None:
        self.config, self.weights = config, weights

    def get_config(self) -> dict[str, Any]:
        return self.config

    def get_weights(self) -> list[np.ndarray]:
        return self.weights


def test_a_live_layer_is_known_by_its_class_configuration_and_weights() -> None:
    kind = type("GRU", (Live,), {})
    config = layer_config("GRU", "a", 2, recurrent_dropout=0.2, dropout=0.1)["config"]
    values = arrays("GRU", 3, 2)

    layer = from_keras(kind(config, values))

    assert (layer.input_dropout, layer.recurrent_dropout) == (0.1, 0.2)
    assert layer.mask_per == {"input": "gate", "recurrent": "gate"}
    kernel = torch.from_numpy(values[0].T[[2, 3, 0, 1, 4, 5]])
    assert torch.equal(layer.weight_ih_l0, kernel)
