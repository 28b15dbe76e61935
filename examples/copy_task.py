"""The copy task: an RNN fails at a lag at which LSTM and GRU learn.

    python examples/copy_task.py
    python examples/copy_task.py --lag 10 --seeds 3

A few symbols of eight are shown, then comes a time of blanks, then a sign to give the symbols back
in their order (Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, in the form of
Arjovsky et al. 2016, arXiv:1511.06464). Who answers blanks, and at the end one of the eight
symbols at random, has a cross entropy of symbols * ln(8) / (lag + 2 * symbols). To do better, a
network must carry symbols over the lag.
"""

import math
from typing import NamedTuple

import textbook
import torch
from textbook import Settings
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

DEFAULTS = Settings(steps=12_000, hidden_size=64, learning_rate=5e-3, batch_size=64)
LAG, SYMBOLS = 20, 5
BLANK, KINDS, SIGN = 0, 8, 9


class CopyTask(NamedTuple):
    """Sequences of `symbols`, blanks over `lag` steps of which the last is the sign, and time."""

    lag: int
    symbols: int
    inputs: int = KINDS + 2
    outputs: int = KINDS + 1

    @property
    def baseline(self) -> float:
        """Cross entropy of guessing the symbols."""
        return self.symbols * math.log(KINDS) / (self.lag + 2 * self.symbols)

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw symbols, as one-hot vectors; the answer, (batch, time), has them at the end."""
        symbols = torch.randint(1, KINDS + 1, (batch, self.symbols), generator=generator)
        x = torch.full((batch, self.lag + 2 * self.symbols), BLANK)
        y = x.clone()
        x[:, : self.symbols] = symbols
        x[:, -self.symbols - 1] = SIGN
        y[:, -self.symbols :] = symbols
        return one_hot(x, self.inputs).float(), y

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Judge the output at every step: the mean cross entropy."""
        return cross_entropy(output.flatten(0, 1), y.flatten())


def main() -> None:
    """Run the example from the command line."""
    parser = textbook.parser(__doc__, DEFAULTS, LAG, "steps between the symbols and their copy")
    parser.add_argument("--symbols", type=int, default=SYMBOLS, help="symbols to be copied")
    arguments = parser.parse_args()
    textbook.check(parser, arguments, least_lag=1)
    if arguments.symbols < 1:
        parser.error(f"symbols must be at least 1, got {arguments.symbols}")
    lag, symbols = arguments.lag, arguments.symbols
    if arguments.quick:
        lag, symbols = min(lag, 5), min(symbols, 3)
    textbook.main(
        CopyTask(lag, symbols), arguments, f"Copy task, {symbols} symbols over a lag of {lag}"
    )


if __name__ == "__main__":
    main()
