"""What a stack of layers is made of, as `Recurrent` tells it to the files that help it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.nn.layout import Layout


class Structure(NamedTuple):
    """A stack of one kind of cell; its cells are numbered as in `Layout`."""

    layout: Layout
    gates: int
    state: type[Any]  # the cell's State: one (B, features) tensor for each field
    names: Sequence[Mapping[str, str]]  # of each cell's weights, by their field in `Weights`
    layer_norm: bool
    learn_initial_state: bool

    @property
    def has_c(self) -> bool:
        return "c" in self.state._fields

    def rows(self, index: int) -> int:
        """Count the rows of a cell's weights, those of all its gates."""
        return self.gates * self.layout.hidden_size(index)

    def state_sizes(self, index: int) -> list[int]:
        """Count the features of each part of a cell's state, in its order."""
        sizes = {"h": self.layout.h_size(index), "c": self.layout.hidden_size(index)}
        return [sizes[part] for part in self.state._fields]
