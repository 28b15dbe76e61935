"""The sizes of a stack of layers: what each cell, a layer and direction, reads and writes."""

from typing import Literal, NamedTuple, get_args

MergeMode = Literal["concat", "sum", "mean", "mul", "none"]
MERGE_MODES: tuple[str, ...] = get_args(MergeMode)


class Layout(NamedTuple):
    """A stack; its cells are numbered layer by layer, forward before reverse."""

    input_size: int
    hidden_sizes: tuple[int, ...]  # of the layers
    proj_size: int  # 0 where h is not projected
    directions: int
    merge_mode: str

    @property
    def layers(self) -> int:
        return len(self.hidden_sizes)

    @property
    def cells(self) -> int:
        return self.layers * self.directions

    @property
    def uniform(self) -> bool:
        """Whether all layers have one size, so that their states fit into one tensor."""
        return len(set(self.hidden_sizes)) == 1

    @property
    def output_size(self) -> int:
        """Count the features of the output; those of both directions where they stay apart."""
        return self.width(self.layers - 1)

    def place(self, index: int) -> tuple[int, bool]:
        """Give the layer of a cell, and whether it runs from the last step to the first."""
        layer, reverse = divmod(index, self.directions)
        return layer, bool(reverse)

    def suffix(self, index: int) -> str:
        """Give what the names of a cell's parameters end with, as in torch."""
        layer, reverse = self.place(index)
        return f"l{layer}_reverse" if reverse else f"l{layer}"

    def hidden_size(self, index: int) -> int:
        return self.hidden_sizes[index // self.directions]

    def h_size(self, index: int) -> int:
        """Count the features of a cell's h, which are those of its output."""
        return self.proj_size or self.hidden_size(index)

    def input_size_of(self, index: int) -> int:
        """Count the features that a cell reads."""
        layer = index // self.directions
        return self.width(layer - 1) if layer else self.input_size

    def width(self, layer: int) -> int:
        """Count the features that a layer gives to the next one."""
        size = self.proj_size or self.hidden_sizes[layer]
        return size * self.directions if self.merge_mode in ("concat", "none") else size
