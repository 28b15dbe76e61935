"""Layers of Keras 3 come in and go out with what they compute."""

import doctest
import importlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lockgate import nn
from lockgate.interop import from_keras, to_keras
from lockgate.nn import LayerMasks
from lockgate.ops.masks import Masks

CELLS = {
    "rnn": ("SimpleRNN", {}),
    "rnn-relu": ("SimpleRNN", {"activation": "relu"}),
    "lstm": ("LSTM", {}),
    "lstm-relu": ("LSTM", {"activation": "relu"}),
    "gru": ("GRU", {}),
    "gru-before": ("GRU", {"reset_after": False}),
    "gru-before-relu": ("GRU", {"reset_after": False, "activation": "relu"}),
}
MERGES = ["concat", "sum", "ave", "mul", None]
OURS = {"SimpleRNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
# Keras's gates z, r, h in lockgate's order
GATES = {"SimpleRNN": [0], "LSTM": [0, 1, 2, 3], "GRU": [1, 0, 2]}
B, T, FEATURES, H = 4, 6, 3, 5
# of TensorFlow, when Keras saves
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    """Keras, with what it computes with: seconds to import."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"))
        try:
            module = importlib.import_module("keras")
        except ModuleNotFoundError as error:
            pytest.skip(f"there is no {error.name}: `pip install lockgate[bench]` brings it")
        yield module


@pytest.fixture
def make(keras: Any) -> Any:
    """Make a built Keras layer in float64, no weight of which is what Keras begins with."""

    def make(
        kind: str, units: int = H, inputs: int = FEATURES, *, merge: Any = "", **options: Any
    ) -> Any:
        options = {"return_sequences": True, "dtype": "float64", **options}
        layer = getattr(keras.layers, kind)(units, **options)
        if merge != "":
            layer = keras.layers.Bidirectional(layer, merge_mode=merge, dtype="float64")
        layer.build((None, None, inputs))
        rng = np.random.default_rng(units + inputs)
        layer.set_weights([0.5 * rng.normal(size=w.shape) for w in layer.get_weights()])
        return layer

    return make


def data(inputs: int = FEATURES) -> tuple[np.ndarray, np.ndarray]:
    """A batch, and a mask with holes whose second row is padding altogether."""
    rng = np.random.default_rng(0)
    mask = rng.random((B, T)) < 0.6
    mask[1], mask[2, -1] = False, False
    return rng.normal(size=(B, T, inputs)), mask


def as_list(value: Any) -> list[np.ndarray]:
    parts = value if isinstance(value, tuple | list) else [value]
    return [np.asarray(p.detach() if isinstance(p, torch.Tensor) else p) for p in parts]


def assert_outputs(ours: Any, theirs: Any, seen: np.ndarray | None = None) -> None:
    for one, other in zip(as_list(ours), as_list(theirs), strict=True):
        where = np.ones(one.shape[:2], bool) if seen is None else seen
        np.testing.assert_allclose(one[where], other[where], rtol=0, atol=1e-6)


def capture(layer: Any) -> list[dict[str, Any]]:
    """Record the masks that a layer's cells draw at each call, a cell for each direction."""
    parts = [layer.forward_layer, layer.backward_layer] if hasattr(layer, "merge_mode") else [layer]
    return [capture_cell(part.cell) for part in parts]


def capture_cell(cell: Any) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    of_x, of_h = cell.get_dropout_mask, cell.get_recurrent_dropout_mask

    def record_x(step: Any) -> Any:
        drawn["x"] = mask = of_x(step)
        return mask

    def record_h(step: Any) -> Any:
        drawn["h"] = mask = of_h(step)
        return mask

    cell.get_dropout_mask, cell.get_recurrent_dropout_mask = record_x, record_h
    return drawn


def as_masks(drawn: dict[str, Any], kind: str) -> Masks:
    """Turn the masks of a Keras cell into ours: (1, gates, batch, features)."""

    def turned(mask: Any) -> torch.Tensor | None:
        if mask is None:
            return None
        gates = mask if isinstance(mask, list) else [mask]
        order = GATES[kind] if len(gates) > 1 else [0]
        stacked = np.stack([np.asarray(gates[gate]) for gate in order])
        return torch.from_numpy(stacked).unsqueeze(0)

    return Masks(turned(drawn.get("x")), turned(drawn.get("h")))


# ---- in ----


@pytest.mark.parametrize("use_bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("cell", CELLS)
def test_a_keras_layer_comes_in(make: Any, cell: str, use_bias: bool) -> None:
    kind, options = CELLS[cell]
    theirs = make(kind, use_bias=use_bias, return_state=True, **options)
    x, mask = data()

    ours = from_keras(theirs)

    assert type(ours) is OURS[kind]
    assert (ours.batch_first, ours.init, ours.bias) == (True, "keras", use_bias)
    for valid in (None, mask):
        output, *state = theirs(x, mask=valid)
        given = None if valid is None else torch.from_numpy(valid)
        got, last = ours(torch.from_numpy(x), mask=given)
        # at padding, Keras repeats the output before it in one direction
        assert_outputs(got, output, valid)
        for mine, other in zip(last if isinstance(last, tuple) else (last,), state, strict=True):
            np.testing.assert_allclose(mine[0].detach(), np.asarray(other), rtol=0, atol=1e-6)


@pytest.mark.parametrize("merge", MERGES, ids=str)
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "gru-before"])
def test_a_bidirectional_layer_comes_in(make: Any, cell: str, merge: str | None) -> None:
    kind, options = CELLS[cell]
    theirs = make(kind, merge=merge, **options)
    x, mask = data()

    ours = from_keras(theirs)

    assert_outputs(ours(torch.from_numpy(x))[0], theirs(x))
    assert_outputs(ours(torch.from_numpy(x), mask=torch.from_numpy(mask))[0], theirs(x, mask=mask))


@pytest.mark.parametrize("merge", ["", "concat"], ids=["one", "two"])
@pytest.mark.parametrize("rates", [(0.3, 0.4), (0.3, 0.0), (0.0, 0.4)], ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_training_agrees_with_the_masks_that_keras_drew(
    make: Any, cell: str, rates: tuple[float, float], merge: str
) -> None:
    kind, options = CELLS[cell]
    theirs = make(kind, merge=merge, dropout=rates[0], recurrent_dropout=rates[1], **options)
    x, mask = data()
    drawn = capture(theirs)

    expected = theirs(x, mask=mask, training=True)

    ours = from_keras(theirs)
    masks = LayerMasks(tuple(as_masks(one, kind) for one in drawn))
    got = ours(torch.from_numpy(x), mask=torch.from_numpy(mask), masks=masks)[0]
    assert_outputs(got, expected, mask)
    # what ours draws by itself has the same form
    own = ours.draw_masks(B)
    for mine, other in zip(own.cells, masks.cells, strict=True):
        for one, two in zip(mine, other, strict=True):
            assert (one is None) == (two is None)
            assert one is None or one.shape == two.shape
    plain = ours.eval()(torch.from_numpy(x), mask=torch.from_numpy(mask))[0]
    assert_outputs(plain, theirs(x, mask=mask), mask)


@pytest.mark.parametrize(
    ("sizes", "merges", "cell"),
    [
        ([5, 5], ["", ""], "lstm"),
        ([5, 4, 6], ["", "", ""], "gru"),
        ([5, 5], ["concat", None], "lstm"),
        ([5, 4], ["sum", "sum"], "gru-before"),
        ([5, 4], ["ave", "ave"], "rnn"),
        ([5, 4], ["concat", ""], "lstm"),
        ([5, 4, 6], ["sum", "", "sum"], "gru"),
        ([5, 4, 5], ["", "concat", None], "rnn"),
    ],
)
def test_a_stack_becomes_one_layer(
    make: Any, sizes: list[int], merges: list[Any], cell: str
) -> None:
    kind, options = CELLS[cell]
    stack, inputs = [], FEATURES
    for size, merge in zip(sizes, merges, strict=True):
        stack.append(
            make(kind, size, inputs, merge=merge, dropout=0.3, recurrent_dropout=0.2, **options)
        )
        inputs = size * (2 if merge == "concat" else 1)
    x, mask = data()
    drawn = [one for layer in stack for one in capture(layer)]
    trained: Any = x
    for layer in stack:
        trained = layer(trained, mask=mask, training=True)
    masks = LayerMasks(tuple(as_masks(one, kind) for one in drawn))
    expected: Any = x
    for layer in stack:
        expected = layer(expected, mask=mask)

    ours = from_keras(stack)

    assert ours.hidden_size == (5 if len(set(sizes)) == 1 else tuple(sizes))
    both = [merge != "" for merge in merges]
    assert ours.bidirectional == (both[0] if len(set(both)) == 1 else tuple(both))
    assert (ours.input_dropout, ours.dropout, ours.recurrent_dropout) == (0.3, 0.3, 0.2)
    given = {"mask": torch.from_numpy(mask)}
    assert_outputs(ours.eval()(torch.from_numpy(x), **given)[0], expected, mask)
    assert_outputs(ours(torch.from_numpy(x), masks=masks, **given)[0], trained, mask)


def test_a_dropout_layer_between_two_becomes_dropout(keras: Any, make: Any) -> None:
    below, above = make("LSTM"), make("LSTM", inputs=H)

    by_step = from_keras([below, keras.layers.Dropout(0.3), above])
    held = from_keras([below, keras.layers.SpatialDropout1D(0.3), above])

    assert (by_step.dropout, by_step.mask_over["between"]) == (0.3, "step")
    assert (held.dropout, held.mask_over["between"]) == (0.3, "sequence")


def test_dropouts_of_two_kinds_are_no_one_layer(keras: Any, make: Any) -> None:
    below, above = make("LSTM"), make("LSTM", inputs=H, dropout=0.2)

    with pytest.raises(ValueError, match=r"must not stand beside a dropout= of another kind"):
        from_keras([below, keras.layers.Dropout(0.3), above])


def test_what_keras_froze_stays_frozen(make: Any) -> None:
    theirs = make("GRU", merge="concat")
    theirs.trainable = False

    ours = from_keras(theirs)

    assert not any(p.requires_grad for p in ours.parameters())


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_the_dtype_stays(make: Any, dtype: str) -> None:
    assert str(from_keras(make("GRU", dtype=dtype)).weight_ih_l0.dtype) == f"torch.{dtype}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelu"}, "activation of 'a' must be 'tanh' or 'relu', got 'gelu'."),
        (
            {"recurrent_activation": "hard_sigmoid", "activation": "elu"},
            "recurrent_activation of 'a' must be 'sigmoid', got 'hard_sigmoid'; "
            "activation of 'a' must be 'tanh' or 'relu', got 'elu'.",
        ),
        ({"dropout": 1.0}, r"dropout of 'a' must be in \[0, 1\), got 1.0."),
        (
            {"go_backwards": True},
            "go_backwards of 'a' must be False, got True. To leave behind what no weight depends "
            r"on, pass ignore=\['go_backwards'\], and flip x and the output in time.",
        ),
        (
            {"stateful": True, "bias_constraint": "non_neg"},
            r"stateful of 'a' must be False, got True; bias_constraint of 'a' must be None, got "
            r"\{.*To leave behind .*, pass ignore=\['stateful', 'bias_constraint'\].",
        ),
        ({"kernel_regularizer": "l2"}, r"kernel_regularizer of 'a' must be None, got \{'module'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_lockgate_lacks_is_refused(keras: Any, options: dict[str, Any], message: str) -> None:
    layer = keras.layers.LSTM(4, name="a", **options)

    with pytest.raises(ValueError, match=f"^{message}"):
        from_keras(layer)


def test_what_is_ignored_is_left_behind(make: Any) -> None:
    theirs = make("GRU", go_backwards=True, kernel_regularizer="l2")
    x, _ = data()

    ours = from_keras(theirs, ignore=["go_backwards", "kernel_regularizer"])

    got = ours(torch.from_numpy(x).flip(1))[0]
    assert_outputs(got, theirs(x))


def test_directions_that_differ_are_refused(keras: Any) -> None:
    forward = keras.layers.GRU(4, return_sequences=True, dropout=0.1)
    backward = keras.layers.GRU(5, return_sequences=True, go_backwards=True, use_bias=False)
    both = keras.layers.Bidirectional(forward, backward_layer=backward, name="b")

    message = (
        "units of 'b' must be the same in both directions, got 4 and 5; use_bias of 'b' must be "
        "the same in both directions, got True and False; dropout of 'b' must be the same in both "
        "directions, got 0.1 and 0.0."
    )
    with pytest.raises(ValueError, match=message):
        from_keras(both)


def test_layers_that_disagree_are_no_stack(make: Any) -> None:
    with pytest.raises(
        ValueError,
        match=r"cell must be the same in all layers, got LSTM, GRU; use_bias must be the same in "
        r"all layers, got True, False; return_sequences must be True in all layers but the last, "
        r"got False. Convert '.*', '.*' one by one.",
    ):
        from_keras([make("LSTM", return_sequences=False), make("GRU", inputs=H, use_bias=False)])
    with pytest.raises(
        ValueError, match="merge_mode must be the same in all layers, got None, mul"
    ):
        from_keras([make("GRU", merge=None), make("GRU", inputs=H, merge="mul")])
    with pytest.raises(ValueError, match=r"must have shape \(5, 20\) by .*, got \(3, 20\)"):
        from_keras([make("LSTM"), make("LSTM")])


def test_a_layer_without_weights_is_refused(keras: Any) -> None:
    with pytest.raises(ValueError, match=r"layer a must be built, got one without weights. Call"):
        from_keras(keras.layers.LSTM(4, name="a"))


def test_other_layers_are_refused(keras: Any) -> None:
    with pytest.raises(TypeError, match="SimpleRNN, LSTM, GRU, Bidirectional alone, got Dense"):
        from_keras(keras.layers.Dense(4))


# ---- files ----


def write(keras: Any, folder: Path) -> Any:
    """Save a model of two stacks in both formats."""
    layers = keras.layers
    x = keras.Input((None, FEATURES))
    below = layers.LSTM(4, return_sequences=True, dropout=0.1, name="below")(layers.Masking()(x))
    above = layers.LSTM(5, name="above")(layers.Dropout(0.2)(below))
    both = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="both")(x)
    head = layers.Dense(1)(above)
    model = keras.Model(x, [head, above, both])
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(size=w.shape) for w in model.get_weights()])
    model.compile("adam", ["mse", None, None])
    model.save(folder / "model.keras")
    model.save_weights(folder / "model.weights.h5")
    return model


def cells_of(keras: Any, which: str) -> Any:
    """Give layers whose cells are put together by hand."""
    layers = keras.layers
    return {
        "lstm": lambda: [layers.RNN(layers.LSTMCell(H), return_sequences=True)],
        "rnn": lambda: [layers.RNN(layers.SimpleRNNCell(H), return_sequences=True)],
        "gru": lambda: [
            layers.RNN(layers.GRUCell(H, reset_after=False, dropout=0.1), return_sequences=True)
        ],
        "stacked": lambda: [
            layers.RNN([layers.LSTMCell(n) for n in (5, 4, 6)], return_sequences=True)
        ],
        "above": lambda: [
            layers.GRU(4, return_sequences=True),
            layers.RNN(
                layers.StackedRNNCells([layers.GRUCell(3), layers.GRUCell(5)]),
                return_sequences=True,
            ),
        ],
        "bidirectional": lambda: [
            layers.Bidirectional(layers.RNN(layers.LSTMCell(H), return_sequences=True))
        ],
    }[which]()


@pytest.mark.parametrize("where", ["live", "file"])
@pytest.mark.parametrize("which", ["lstm", "rnn", "gru", "stacked", "above", "bidirectional"])
def test_layers_around_cells_come_in(keras: Any, tmp_path: Path, which: str, where: str) -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), *cells_of(keras, which)])
    rng = np.random.default_rng(0)
    model.set_weights([0.5 * rng.normal(size=w.shape) for w in model.get_weights()])
    x = data()[0].astype(np.float32)
    model.save(tmp_path / "model.keras")

    layer = from_keras(model.layers if where == "live" else tmp_path / "model.keras").eval()

    with torch.no_grad():
        assert_outputs(layer(torch.tensor(x))[0], model(x))


def test_a_layer_around_stacked_cells_is_named_as_one(keras: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, FEATURES)), *cells_of(keras, "above")])
    model.save(tmp_path / "model.keras")
    names = [layer.name for layer in model.layers]

    assert from_keras(tmp_path / "model.keras", layers=names).hidden_size == (4, 3, 5)
    assert from_keras(tmp_path / "model.keras", layers=names[1]).hidden_size == (3, 5)


def test_mixed_precision_is_told(keras: Any) -> None:
    layer = keras.layers.LSTM(H, dtype="mixed_bfloat16")
    layer.build((None, None, FEATURES))

    with pytest.warns(UserWarning, match=r"computes in bfloat16 in Keras \(mixed_bfloat16\); the"):
        ours = from_keras(layer)

    assert ours.weight_ih_l0.dtype == torch.float32


def test_a_keras_file_is_read(keras: Any, tmp_path: Path) -> None:
    model = write(keras, tmp_path)
    x = data()[0].astype("float32")
    _, above, both = model(x)
    files = [(tmp_path / "model.keras", None), (tmp_path / "model.weights.h5", model.to_json())]

    for path, config in files:
        stack = from_keras(path, layers=("below", "above"), config=config).eval()
        two = from_keras(str(path), layers="both", config=config).eval()

        assert (stack.hidden_size, stack.dropout) == ((4, 5), 0.2)
        _, (h_n, _) = stack(torch.from_numpy(x))
        np.testing.assert_allclose(h_n[-1][0].detach(), np.asarray(above), rtol=0, atol=1e-6)
        assert_outputs(two(torch.from_numpy(x))[0], both)


def test_a_file_of_several_stacks_needs_names(keras: Any, tmp_path: Path) -> None:
    write(keras, tmp_path)
    path = tmp_path / "model.keras"

    with pytest.raises(
        ValueError,
        match=r"layers must name layers that follow each other as one stack, .*the model has "
        r"'below' \(LSTM\), ('both' \(Bidirectional\), 'above' \(LSTM\)|"
        r"'above' \(LSTM\), 'both' \(Bidirectional\)).",
    ):
        from_keras(path)
    with pytest.raises(ValueError, match=r"follow each other as one stack"):
        from_keras(path, layers=("above", "below"))
    with pytest.raises(ValueError, match=r"layers must name recurrent layers of the model, each"):
        from_keras(path, layers="dense")


def test_a_model_within_a_model_is_read(keras: Any, tmp_path: Path) -> None:
    layers = keras.layers
    inner = [layers.LSTM(4, return_sequences=True), layers.LSTM(4, return_sequences=True)]
    inside = keras.Sequential([keras.Input((None, 4)), *inner])
    first = layers.GRU(4, return_sequences=True, name="first")
    model = keras.Sequential([keras.Input((None, FEATURES)), first, inside])
    model.save(tmp_path / "nested.keras")
    x = np.random.default_rng(0).normal(size=(B, T, 4)).astype("float32")

    ours = from_keras(tmp_path / "nested.keras", layers=[layer.name for layer in inner])

    assert_outputs(ours(torch.from_numpy(x))[0], inside(x))


# ---- out ----


OUT = {
    "rnn": (nn.RNN, {"nonlinearity": "relu"}),
    "lstm-relu": (nn.LSTM, {"nonlinearity": "relu"}),
    "gru": (nn.GRU, {}),
    "gru-before": (nn.GRU, {"reset_after": False}),
}
SHAPES: list[dict[str, Any]] = [
    {},
    {"num_layers": 3, "bias": False},
    {"num_layers": 2, "bidirectional": True},
    {"num_layers": 2, "bidirectional": True, "merge_mode": "none"},
    {"num_layers": 2, "bidirectional": True, "merge_mode": "mean"},
    {"hidden_size": [5, 4], "bidirectional": True, "merge_mode": "mul"},
    {"hidden_size": [5, 4], "bidirectional": [True, False]},
    {"bidirectional": [True, False, True], "merge_mode": "none"},
    {"bidirectional": [False, True], "merge_mode": "sum"},
]


@pytest.mark.parametrize("options", SHAPES, ids=lambda o: "-".join(map(str, o.values())) or "one")
@pytest.mark.parametrize("cell", OUT)
def test_a_layer_goes_out_to_keras_and_comes_back(
    keras: Any, cell: str, options: dict[str, Any]
) -> None:
    cls, fixed = OUT[cell]
    torch.manual_seed(0)
    options = {"hidden_size": H, **options}
    layer = cls(FEATURES, batch_first=True, dtype=torch.float64, **fixed, **options).eval()
    x, mask = data()

    model = to_keras(layer)

    assert_outputs(layer(torch.from_numpy(x))[0], model(x))
    got = layer(torch.from_numpy(x), mask=torch.from_numpy(mask))[0]
    assert_outputs(got, model(x, mask=mask), mask)
    back = from_keras(model.layers)
    assert_outputs(back(torch.from_numpy(x))[0], model(x))


@pytest.mark.parametrize(
    ("cls", "options", "kept"),
    [
        (nn.LSTM, {"input_dropout": 0.1, "dropout": 0.2}, [(0.1, 0.0), (0.2, 0.0)]),
        (nn.LSTM, {"input_dropout": 0.1, "recurrent_dropout": 0.3}, [(0.0, 0.3), (0.0, 0.3)]),
        (
            nn.LSTM,
            {"input_dropout": 0.1, "recurrent_dropout": 0.3, "mask_per": "gate"},
            [(0.1, 0.3), (0.0, 0.3)],
        ),
        (nn.LSTM, {"recurrent_dropout": 0.3, "mask_per": "cell"}, [(0.0, 0.0), (0.0, 0.0)]),
        (
            nn.RNN,
            {"input_dropout": 0.1, "dropout": 0.2, "recurrent_dropout": 0.3},
            [(0.1, 0.3), (0.2, 0.3)],
        ),
        (
            nn.GRU,
            {"input_dropout": 0.1, "dropout": 0.2, "mask_over": {"between": "step"}},
            [(0.1, 0.0), (0.0, 0.0)],
        ),
        (
            nn.RNN,
            {"input_dropout": 0.1, "recurrent_dropout": 0.3, "mask_for": {"input": "batch"}},
            [(0.0, 0.3), (0.0, 0.3)],
        ),
    ],
)
def test_rates_go_out_where_keras_has_them(
    keras: Any, cls: Any, options: dict[str, Any], kept: list[tuple[float, float]]
) -> None:
    model = to_keras(cls(FEATURES, H, num_layers=2, **options))

    assert [(layer.dropout, layer.recurrent_dropout) for layer in model.layers] == kept


def test_what_is_frozen_stays_frozen_in_keras(keras: Any) -> None:
    layer = nn.LSTM(FEATURES, H, num_layers=2)
    for name, parameter in layer.named_parameters():
        parameter.requires_grad_("l0" not in name)

    assert [own.trainable for own in to_keras(layer).layers] == [False, True]


@pytest.mark.parametrize("function", [from_keras, to_keras])
def test_examples_run(
    keras: Any, function: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lstm = keras.layers.LSTM
    stack = [lstm(8, return_sequences=True, name="lstm"), lstm(8, name="lstm_1")]
    model = keras.Sequential([keras.Input((None, 3)), *stack])
    example = function.__doc__.replace("# doctest: +SKIP", "")
    test = doctest.DocTestParser().get_doctest(
        example, {"model": model}, function.__name__, None, 0
    )
    told: list[str] = []

    doctest.DocTestRunner().run(test, out=told.append)

    assert test.examples
    assert not told, "".join(told)
