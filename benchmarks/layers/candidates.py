"""What is timed in this process: our layers, torch's, and the loop over time with our masks."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

from benchmarks.layers.cases import (
    BFLOAT16,
    GATES,
    NARROW_TOLERANCE,
    RATE,
    SHARED,
    STORED,
    TOLERANCE,
    VARIANTS,
    Group,
)
from lockgate import nn
from lockgate.nn import LayerMasks
from lockgate.nn.recurrent import Recurrent
from lockgate.ops.dispatch import backend

OURS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
TORCH = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}
TORCH_CELLS = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell, "rnn": torch.nn.RNNCell}

T = TypeVar("T")
Call = Callable[[], object]


class Layers:
    """The same layer by torch and by us without masks, and ours with masks and variants by name."""

    def __init__(self, group: Group) -> None:
        torch.manual_seed(0)
        self.cell = group.cell
        self.B, steps, n_in, H = group.shape
        self.x = torch.randn(steps, self.B, n_in, requires_grad=group.trains)
        self.d_output = torch.randn(steps, self.B, H)
        self.torch = TORCH[self.cell](n_in, H)
        self.unmasked = OURS[self.cell](n_in, H)
        self.masked: dict[str, Recurrent] = {
            name: OURS[self.cell](n_in, H, **options)
            for name, options in _options_of(group).items()
        }
        self.masks = {per: layer.draw_masks(self.B, steps) for per, layer in self.masked.items()}
        # variants have weights of their own
        same = [] if group.mode == "variants" else list(self.masked.values())
        for layer in (self.unmasked, *same):
            layer.load_state_dict(self.torch.state_dict())
        for layer in (self.torch, self.unmasked, *self.masked.values()):
            layer.train(group.trains)
            for name, parameter in layer.named_parameters():
                if name.startswith("ln_"):
                    # at gains of 1 an LSTM's gradients grow with each step, and rounding with them
                    parameter.data *= 0.25
        for layer in (self.unmasked, *self.masked.values()):
            for line in layer.backend_report(self.x).lines:
                if line.choice.backend.name != "cpu":
                    raise SystemExit(f"the layers must run on our kernels, got {line}")

    def forward(self, layer: torch.nn.Module, masks: LayerMasks | None = None) -> Tensor:
        """Run a layer, with masks given or not."""
        output: Tensor = (layer(self.x) if masks is None else layer(self.x, masks=masks))[0]
        return output

    def train(self, layer: torch.nn.Module, masks: LayerMasks | None = None) -> Tensor:
        """Run a train step without its optimizer."""
        layer.zero_grad()
        self.x.grad = None
        output = self.forward(layer, masks)
        output.backward(self.d_output[..., : output.shape[-1]])  # a projection has fewer
        return output


def _options_of(group: Group) -> dict[str, dict[str, Any]]:
    """Give the options of a group's layers with masks."""
    if group.mode == "shared":
        shared = {name: _masks(per, rate, "batch") for name, (per, rate) in SHARED.items()}
        return shared | {
            f"{name}-sample": _masks(per, rate) for name, (per, rate) in SHARED.items()
        }
    if group.mode == "variants":
        return {name: _masks("cell") | options for name, options in VARIANTS[group.cell].items()}
    if group.mode == BFLOAT16:
        return {"cell": _masks("cell")}
    # with one gate, one mask per gate is one per cell
    of = ("cell", "gate") if GATES[group.cell] > 1 else ("cell",)
    return {per: _masks(per) for per in of}


def _masks(per: str, rate: float = RATE, of: str = "sample") -> dict[str, Any]:
    return {"input_dropout": rate, "recurrent_dropout": rate, "mask_per": per, "mask_for": of}


def calls(mode: str, layers: Layers, peers: list[str]) -> dict[str, Call]:
    """Return what is timed in a mode, by name; the caller sees to it that gradients are off."""
    if mode == "step":
        found: dict[str, Call] = {"torch": torch_stream(layers), "unmasked": our_stream(layers)}
    elif mode == "stored":
        found = {"unmasked": our_stream(layers)}
        found |= {name: our_stream(layers, name) for name in STORED}
    elif mode == "shared":
        found = {"torch": lambda: layers.train(layers.torch)}
        found["unmasked"] = lambda: layers.train(layers.unmasked)
        found |= {n: lambda one=one: layers.train(one) for n, one in layers.masked.items()}
    elif mode == "variants":
        found = {"unmasked": lambda: layers.train(layers.unmasked)}
        for name, layer in layers.masked.items():
            given = lambda one=layer, masks=layers.masks[name]: layers.train(one, masks)  # noqa: E731
            found |= {name: given, f"{name}-loop": lambda call=given: by_loop(call)}
    elif mode == BFLOAT16:
        plain: dict[str, Call] = {
            "torch": lambda: layers.train(layers.torch),
            "unmasked": lambda: layers.train(layers.unmasked),
            "cell": lambda: layers.train(layers.masked["cell"]),
        }
        found = plain | {
            f"{name}-{BFLOAT16}": lambda call=call: in_bfloat16(call)
            for name, call in plain.items()
        }
    else:
        run = layers.train if mode == "train" else layers.forward
        found = {"torch": lambda: run(layers.torch), "unmasked": lambda: run(layers.unmasked)}
        for per, layer in layers.masked.items():
            masks = layers.masks[per]
            found[f"{per}-given"] = lambda layer=layer, masks=masks: run(layer, masks)
            if mode == "train":
                found[per] = lambda layer=layer: run(layer)
                found[f"{per}-draw"] = lambda layer=layer: layer.draw_masks(layers.B)
        found["loop"] = lambda: by_loop(lambda: run(layers.masked["cell"], layers.masks["cell"]))
    # what is no peer has no entry, and is always timed
    of_peer = {"torch": "torch", f"torch-{BFLOAT16}": "torch", "loop": "loop"}
    return {name: c for name, c in found.items() if of_peer.get(name) in (None, *peers)}


def by_loop(call: Callable[[], T]) -> T:
    """Run a call on the reference, which loops over time."""
    with backend("reference"):
        return call()


def in_bfloat16(call: Callable[[], T]) -> T:
    """Run a call as autocast has it, its backward too."""
    with torch.autocast("cpu", torch.bfloat16):
        return call()


def torch_stream(layers: Layers) -> Callable[[], Tensor]:
    """Return one step of a stream by torch's cell, from the last step's state."""
    x, state = layers.x[0], None
    module = TORCH_CELLS[layers.cell](layers.torch.input_size, layers.torch.hidden_size)
    weights = layers.torch.state_dict()
    module.load_state_dict({name.removesuffix("_l0"): value for name, value in weights.items()})

    def step() -> Tensor:
        nonlocal state
        state = module(x, state)
        return state[0] if layers.cell == "lstm" else state

    return step


def our_stream(layers: Layers, stored: str = "float32") -> Callable[[], Tensor]:
    """Return one step of a stream by our stepper, from the last step's state."""
    x, state = layers.x[0], None
    stepper = layers.unmasked.stepper(stored)

    def step() -> Tensor:
        nonlocal state
        output, state = stepper(x, state)
        return output

    return step


def check(mode: str, layers: Layers) -> float:
    """Compare ours with the loop under the same masks, and without masks with torch's.

    Returns:
        The largest error, each relative to the largest element of its tensor.

    Raises:
        AssertionError: If an error is above the tolerance.
    """
    if mode in ("step", "stored"):
        streams = our_stream(layers), torch_stream(layers)
        steps = range(layers.x.shape[0])
        ours, theirs = ([stream() for _ in steps] for stream in streams)
        pairs = [(ours, theirs)]
    else:
        pairs = [(_results(layers, layers.unmasked), _results(layers, layers.torch))]
        for per, layer in layers.masked.items():
            masks = layers.masks[per]
            ours = _results(layers, layer, masks)
            pairs.append((ours, by_loop(lambda: _results(layers, layer, masks))))  # noqa: B023
    worst = max(error(ours, theirs) for ours, theirs in pairs)
    assert worst <= TOLERANCE, f"an error of {worst:.1e} is above {TOLERANCE:.0e}"
    return worst


def losses(mode: str, layers: Layers) -> dict[str, float]:
    """Return what fewer bits lose of our own float32, as `error` tells it.

    Raises:
        AssertionError: If it is above the tolerance.
    """
    found = {}
    if mode == BFLOAT16:
        rough = in_bfloat16(lambda: _results(layers, layers.unmasked))
        found[BFLOAT16] = error(rough, _results(layers, layers.unmasked))
    if mode == "stored":
        steps = range(layers.x.shape[0])
        whole, *rough = (
            [stream() for _ in steps]
            for stream in (our_stream(layers), *(our_stream(layers, name) for name in STORED))
        )
        found = {name: error(one, whole) for name, one in zip(STORED, rough, strict=True)}
    worst = max(found.values(), default=0.0)
    assert worst <= NARROW_TOLERANCE, f"a loss of {worst:.1e} is above {NARROW_TOLERANCE:.0e}"
    return found


def error(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Return the largest error, each relative to the largest element of its tensor."""
    pairs = zip(ours, theirs, strict=True)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def _results(
    layers: Layers, layer: torch.nn.Module, masks: LayerMasks | None = None
) -> list[Tensor]:
    """Return the output, and in training all gradients."""
    if not layers.x.requires_grad:
        return [layers.forward(layer, masks)]
    output = layers.train(layer, masks)
    gradients = [layers.x.grad, *(parameter.grad for parameter in layer.parameters())]
    return [output.detach(), *(gradient.clone() for gradient in gradients if gradient is not None)]
