"""One step of a classifier of steps as a function, whose state goes in and comes out."""

from itertools import product
from typing import cast

import torch
from torch import Tensor, nn

from lockgate.nn.recurrent import structure_of
from lockgate.tasks.graphs import Graph, Inputs, Step
from lockgate.tasks.labelling.chain import Chain
from lockgate.tasks.labelling.network import ClassifierNetwork


class StepChain(nn.Module):
    """What a chain of labels at steps does at one step, of networks in one direction.

    Step after step it gives what `Chain` gives of a whole sequence.

    Args:
        chain: That of the model.

    Shape:
        - values, missing: `(batch, channels)` and `(batch, masked)`, as `Chain` takes them.
        - h_1_1, c_1_1: `(batch, hidden_size)`, float32, the state of the first network's first
          layer before the step, and so on for each network and layer; c of an LSTM. It begins at 0.
        - probabilities: `(batch, classes)`, float64.
        - next_h_1_1, next_c_1_1: The states after the step.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        self.chain = chain
        networks = _networks(chain)
        structure = structure_of(networks[0].stack)
        sizes, parts = structure.layout.hidden_sizes, structure.state._fields
        places = product(range(len(networks)), range(len(sizes)), parts)
        self.sizes = {f"{part}_{n + 1}_{layer + 1}": sizes[layer] for n, layer, part in places}
        self.eval()

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the inputs that are no states."""
        return tuple(name for name in self.chain.inputs if name != "lengths")

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of what `forward` takes, in its order."""
        return (*self.read, *self.sizes)

    @property
    def states(self) -> dict[str, str]:
        """By the name of each state that of the output that takes its place."""
        return {name: f"next_{name}" for name in self.sizes}

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Label a step of each stream of a batch."""
        told = dict(zip(self.inputs, given, strict=True))
        x = self.chain.scaled(told["values"], told.get("missing"))
        states = [told[name] for name in self.sizes]
        each: list[Tensor] = []
        after: list[Tensor] = []
        for network in _networks(self.chain):
            own = states[len(after) :][: len(states) // len(self.chain.networks)]
            scores, left = network.step(x, own)
            each.append(scores)
            after += left
        return (self.chain.answer(torch.stack(each)), *after)


def _networks(chain: Chain) -> list[ClassifierNetwork]:
    return cast("list[ClassifierNetwork]", list(chain.networks))


def step_of(chain: Chain) -> Step | str:
    """Return the graph of one step of a classifier, or what keeps it from one."""
    if chain.learned.kind != "steps":
        return "it gives one answer for a whole sequence; train one on labels at every step"
    if any(network.stack.bidirectional for network in _networks(chain)):
        return (
            "it reads both directions, and the reverse one begins where a sequence ends; train it "
            "with bidirectional=false (--set bidirectional=false)"
        )
    one = StepChain(chain)
    axes = {name: {0: "batch"} for name in one.inputs}
    outputs = (*chain.outputs, *one.states.values())
    return Step(Graph(one, axes, outputs, lambda *size: _drawn(one, *size), (1,)), one.states)


def _drawn(one: StepChain, batch: int, _: int, generator: torch.Generator) -> Inputs:
    chain = one.chain
    channels, masked = len(chain.means), len(chain.learned.masked)
    noise = torch.randn(batch, channels, generator=generator).double()
    read = {
        "values": chain.means + chain.deviations * noise,
        "missing": (torch.rand(batch, masked, generator=generator) < 0.1).float(),
    }
    states = {
        name: torch.randn(batch, size, generator=generator).tanh()
        for name, size in one.sizes.items()
    }
    return {name: read[name] for name in one.read} | states
