"""The sizes of a stack of layers: what each cell, a layer and direction, reads and writes."""

from typing import Literal, NamedTuple, get_args

MergeMode = Literal["concat", "sum", "mean", "mul", "none"]
MERGE_MODES: tuple[str, ...] = get_args(MergeMode)


class Layout(NamedTuple):
    """A stack; its cells are numbered layer by layer, forward before reverse."""

    input_size: int
    hidden_sizes: tuple[int, ...]  # of the layers
    proj_size: int  # 0 where h is not projected
    both: tuple[bool, ...]  # whether a layer reads both ways
    merge_mode: str

    @property
    def layers(self) -> int:
        return len(self.hidden_sizes)

    @property
    def cells(self) -> int:
        return self.layers + sum(self.both)

    @property
    def uniform(self) -> bool:
        """Whether all layers have one size and as many directions: their states fit together."""
        return len(set(self.hidden_sizes)) == len(set(self.both)) == 1

    @property
    def output_size(self) -> int:
        """Count the features of the output; those of both directions where they stay apart."""
        return self.width(self.layers - 1)

    def directions(self, layer: int) -> int:
        return 2 if self.both[layer] else 1

    def cells_of(self, layer: int) -> range:
        """Give the numbers of a layer's cells."""
        first = layer + sum(self.both[:layer])
        return range(first, first + self.directions(layer))

    def place(self, index: int) -> tuple[int, bool]:
        """Give the layer of a cell, and whether it runs from the last step to the first."""
        layer = 0
        while index >= self.directions(layer):
            index -= self.directions(layer)
            layer += 1
        return layer, index == 1

    def suffix(self, index: int) -> str:
        """Give what the names of a cell's parameters end with, as in torch."""
        layer, reverse = self.place(index)
        return f"l{layer}_reverse" if reverse else f"l{layer}"

    def hidden_size(self, index: int) -> int:
        layer, _ = self.place(index)
        return self.hidden_sizes[layer]

    def h_size(self, index: int) -> int:
        """Count the features of a cell's h, which are those of its output."""
        return self.proj_size or self.hidden_size(index)

    def input_size_of(self, index: int) -> int:
        """Count the features that a cell reads."""
        layer, _ = self.place(index)
        return self.width(layer - 1) if layer else self.input_size

    def width(self, layer: int) -> int:
        """Count the features that a layer gives to the next one."""
        size = self.proj_size or self.hidden_sizes[layer]
        return size * self.directions(layer) if self.merge_mode in ("concat", "none") else size
