"""Every combination of options computes what is written out in numpy, in both modes."""

import inspect
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.nn import GRU, LSTM, RNN, LayerMasks
from lockgate.nn import masks as drawn
from lockgate.nn.options import DEFAULTS
from lockgate.nn.recurrent import Recurrent

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
Array = np.ndarray


def sigmoid(a: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-a))


def norm(v: Array, gain: Array, bias: Any = 0.0) -> Array:
    return (v - v.mean()) / np.sqrt(v.var() + 1e-5) * gain + bias


def ways_of(layer: Any) -> list[bool]:
    """Tell of each layer whether it reads both ways."""
    return np.broadcast_to(layer.bidirectional, layer.num_layers).tolist()


class Written:
    """A layer's parameters and masks as arrays, and what it computes of them."""

    def __init__(self, layer: Any, masks: LayerMasks, T: int, B: int) -> None:
        self.layer, self.T, self.B = layer, T, B
        self.gates = GATES[type(layer).__name__]
        self.act = np.tanh if layer.nonlinearity == "tanh" else lambda a: np.maximum(a, 0.0)
        self.own = {k: v.detach().double().numpy() for k, v in layer.state_dict().items()}
        self.masks = masks

    def run(self, x: Array, valid: Array) -> tuple[list[Array], list[list[Array]]]:
        """Run over x (T, B, I); return the output of each direction on top, and all states."""
        layer, last = self.layer, []
        for number, both in enumerate(ways_of(layer)):
            outputs = []
            for reverse in (False, True)[: 1 + both]:
                output, state = self.cell(len(last), number, reverse, x, valid)
                outputs.append(output)
                last.append(state)
            top = number == layer.num_layers - 1
            merged = self.merge(outputs, top)
            if layer.residual and number > 0:
                parts = np.split(x, len(merged), axis=2)
                merged = [m + p for m, p in zip(merged, parts, strict=True)]
            x = merged[0]
        if self.masks.output is not None:
            mask = np.broadcast_to(
                self.masks.output.numpy(), (self.T, self.B, self.masks.output.shape[2])
            )
            parts = np.split(mask, len(merged), axis=2)
            merged = [m * p for m, p in zip(merged, parts, strict=True)]
        return merged, last

    def merge(self, outputs: list[Array], top: bool) -> list[Array]:
        mode = self.layer.merge_mode
        if len(outputs) == 1 or (mode == "none" and top):
            return outputs
        a, b = outputs
        merged = {"sum": a + b, "mean": (a + b) / 2, "mul": a * b}
        return [merged.get(mode, np.concatenate(outputs, axis=2))]

    def cell(
        self, index: int, number: int, reverse: bool, x: Array, valid: Array
    ) -> tuple[Array, list[Array]]:
        suffix = f"l{number}_reverse" if reverse else f"l{number}"
        H = self.own[f"weight_ih_{suffix}"].shape[0] // self.gates
        width = self.own[f"weight_hh_{suffix}"].shape[1]
        sizes = [width, H] if isinstance(self.layer, LSTM) else [width]
        output = np.zeros((self.T, self.B, width))
        ends = [np.zeros((self.B, size)) for size in sizes]
        for b in range(self.B):
            parts = ("h", "c")[: len(sizes)]
            state = [
                self.own.get(f"{part}_0_{suffix}", np.zeros(size)).copy()
                for part, size in zip(parts, sizes, strict=True)
            ]
            for t in reversed(range(self.T)) if reverse else range(self.T):
                if not valid[t, b]:
                    continue
                new = self.step(index, suffix, H, x[t, b], state, (t, b))
                kept = [
                    self.mask(index, f"zoneout_{part}", (t, 0, b), size)
                    for part, size in zip(parts, sizes, strict=True)
                ]
                state = [
                    n if z is None else z * o + (1.0 - z) * n
                    for n, o, z in zip(new, state, kept, strict=True)
                ]
                output[t, b] = state[0]
            for end, value in zip(ends, state, strict=True):
                end[b] = value
        return output, ends

    def mask(self, index: int, name: str, at: tuple[int, int, int], size: int) -> Array | None:
        mask = getattr(self.masks.cells[index], name)
        if mask is None:
            return None
        mask = mask.numpy()
        t, gate, b = (i if n > 1 else 0 for i, n in zip(at, mask.shape, strict=False))
        return np.broadcast_to(mask[t, gate, b], size)

    def sums(
        self, index: int, suffix: str, which: str, value: Array, at: tuple[int, int]
    ) -> tuple[list[Array], list[Array]]:
        """Give the product with each gate's rows, and each gate's bias."""
        weight = self.own[f"weight_{which}_{suffix}"]
        if which == "hh" and self.masks.weights and self.masks.weights[index] is not None:
            weight = weight * self.masks.weights[index].numpy()
        t, b = at
        products = []
        for gate, rows in enumerate(np.split(weight, self.gates)):
            mask = self.mask(index, "x" if which == "ih" else "h", (t, gate, b), value.size)
            products.append(rows @ (value if mask is None else value * mask))
        if self.layer.layer_norm:
            gain = self.own[f"ln_{which}_{suffix}.weight"]
            products = np.split(norm(np.concatenate(products), gain), self.gates)
        bias = self.own.get(f"bias_{which}_{suffix}", np.zeros(weight.shape[0]))
        return products, np.split(bias, self.gates)

    def step(
        self, index: int, suffix: str, H: int, x: Array, state: list[Array], at: tuple[int, int]
    ) -> list[Array]:
        of_x, bias_x = self.sums(index, suffix, "ih", x, at)
        of_h, bias_h = self.sums(index, suffix, "hh", state[0], at)
        x_sums = [v + b for v, b in zip(of_x, bias_x, strict=True)]
        h_sums = [v + b for v, b in zip(of_h, bias_h, strict=True)]
        if isinstance(self.layer, LSTM):
            i, f, g, o = (a + b for a, b in zip(x_sums, h_sums, strict=True))
            c = sigmoid(f) * state[1] + sigmoid(i) * self.act(g)
            seen = c
            if self.layer.layer_norm:
                gain, bias = (self.own[f"ln_c_{suffix}.{part}"] for part in ("weight", "bias"))
                seen = norm(c, gain, bias)
            h = sigmoid(o) * self.act(seen)
            return [self.own[f"weight_hr_{suffix}"] @ h if self.layer.proj_size else h, c]
        if isinstance(self.layer, GRU):
            r, z = (sigmoid(x_sums[g] + h_sums[g]) for g in (0, 1))
            if self.layer.reset_after:
                candidate = r * h_sums[2]
            else:
                rows = np.split(self.own[f"weight_hh_{suffix}"], 3)[2]
                if self.masks.weights and self.masks.weights[index] is not None:
                    rows = rows * np.split(self.masks.weights[index].numpy(), 3)[2]
                mask = self.mask(index, "h", (at[0], 2, at[1]), H)
                seen = r * state[0] * (1.0 if mask is None else mask)
                candidate = rows @ seen + bias_h[2]
            return [(1.0 - z) * self.act(x_sums[2] + candidate) + z * state[0]]
        return [self.act(x_sums[0] + h_sums[0])]


COMMON: dict[str, Any] = {
    "bias": st.booleans(),
    "nonlinearity": st.sampled_from(["tanh", "relu"]),
    "input_dropout": st.sampled_from([0.0, 0.5]),
    "recurrent_dropout": st.sampled_from([0.0, 0.5]),
    "output_dropout": st.sampled_from([0.0, 0.5]),
    "weight_dropout": st.sampled_from([0.0, 0.5]),
    "mask_per": st.sampled_from(["gate", "cell"]),
    "mask_over": st.sampled_from(["sequence", "step"]),
    "mask_for": st.sampled_from(["sample", "batch"]),
    "layer_norm": st.booleans(),
    "merge_mode": st.sampled_from(["concat", "sum", "mean", "mul", "none"]),
    "learn_initial_state": st.booleans(),
    "init": st.sampled_from(["torch", "keras", "orthogonal"]),
}
OWN: dict[type, dict[str, Any]] = {
    RNN: {"zoneout": st.sampled_from([0.0, 0.3])},
    LSTM: {
        "zoneout": st.sampled_from([0.0, 0.3, (0.3, 0.6), (0.0, 0.2)]),
        "proj_size": st.sampled_from([0, 3]),
    },
    GRU: {"zoneout": st.sampled_from([0.0, 0.3]), "reset_after": st.booleans()},
}


@st.composite
def layers(draw: Any, cls: type) -> Any:
    """Draw a layer of 3 inputs, its parameters all different from what they begin at."""
    options = {name: draw(values) for name, values in (COMMON | OWN[cls]).items()}
    if options["layer_norm"]:
        options.pop("reset_after", None)
    size = draw(st.sampled_from([4, [4, 6], [5, 5], [5, 10], [5, 4, 6]]))
    sizes = np.atleast_1d(size).tolist()
    one_for_each = st.lists(st.booleans(), min_size=len(sizes), max_size=len(sizes))
    options["bidirectional"] = draw(st.booleans() | one_for_each)
    ways = np.broadcast_to(options["bidirectional"], len(sizes))
    apart = options["merge_mode"] in ("concat", "none")
    given = [options.get("proj_size") or size for size in sizes]
    widths = {size * (1 + (both and apart)) for size, both in zip(given, ways, strict=True)}
    options["residual"] = len(widths) == 1 and draw(st.booleans())
    options["dropout"] = 0.5 if not isinstance(size, int) and draw(st.booleans()) else 0.0
    layer = cls(3, size, dtype=torch.float64, **options)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter += 0.1 * torch.randn(
                parameter.shape, dtype=torch.float64, generator=generator
            )
    return layer.train(draw(st.booleans()))


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_layer_is_what_is_written_out(cls: type, data: Any) -> None:
    layer = data.draw(layers(cls))
    T, B = 5, 2
    generator = torch.Generator().manual_seed(T)
    x = torch.randn(T, B, 3, dtype=torch.float64, generator=generator)
    mask = torch.rand(B, T, generator=generator) < data.draw(st.sampled_from([0.6, 2.0]))
    masks = layer.draw_masks(B, T, generator=generator) if layer.training else None

    output, last = layer(x, mask=mask, masks=masks)

    cells = layer.num_layers + sum(ways_of(layer))
    used = masks or drawn.expected(layer.zoneout, cells, layer.weight_ih_l0)
    expected, ends = Written(layer, used, T, B).run(x.numpy(), mask.t().numpy())
    outputs = output if isinstance(output, tuple) else (output,)
    for got, value in zip(outputs, expected, strict=True):
        torch.testing.assert_close(got, torch.from_numpy(value))
    parts = last if isinstance(layer, LSTM) else (last,)
    for position, part in enumerate(parts):
        cells = part if isinstance(part, torch.Tensor) else torch.cat([p.flatten() for p in part])
        flat = np.concatenate([end[position].ravel() for end in ends])
        torch.testing.assert_close(cells.flatten(), torch.from_numpy(flat))


@pytest.mark.parametrize("cls", [RNN, LSTM, GRU])
def test_layer_shows_what_differs_from_its_constructor(cls: type) -> None:
    parameters = inspect.signature(Recurrent.__init__).parameters
    unset = {n: p.default for n, p in parameters.items() if p.default is not p.empty}

    layer = cls(3, 5)

    assert set(DEFAULTS) == set(unset) - {"device", "dtype"}
    assert {name: getattr(layer, name) for name in DEFAULTS} == dict(DEFAULTS)
    # None stands for the rule of each place
    assert {n: v for n, v in unset.items() if v is not None}.items() <= DEFAULTS.items()
    assert repr(layer) == f"{cls.__name__}(3, 5)"
