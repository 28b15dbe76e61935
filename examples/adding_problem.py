"""The adding problem: an RNN fails at a lag at which LSTM and GRU learn.

    python examples/adding_problem.py
    python examples/adding_problem.py --lag 200 --steps 6000 --cell lstm gru

Each step holds a random number and a marker; the answer, after the last step, is the sum of the
two numbers that are marked, one in the first half and one in the second (Hochreiter and
Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735, in the form of Le et al. 2015, arXiv:1504.00941).
Who always answers 1 has a mean square error of 1/6, the variance of the sum (0.1767 in the second
paper). To do better, a network must carry a number over half the sequence or more.
"""

from typing import NamedTuple

import textbook
import torch
from textbook import Settings
from torch import Tensor

DEFAULTS = Settings(steps=3_000, hidden_size=64, learning_rate=2e-3, batch_size=64)
LAG = 100


class AddingProblem(NamedTuple):
    """Sequences of `lag` steps."""

    lag: int
    inputs: int = 2
    outputs: int = 1
    baseline: float = 1.0 / 6.0

    def draw(self, batch: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw numbers in [0, 1) and two markers; the answer is (batch,)."""
        numbers = torch.rand(batch, self.lag, generator=generator)
        half = self.lag // 2
        first = torch.randint(0, half, (batch,), generator=generator)
        second = torch.randint(half, self.lag, (batch,), generator=generator)
        markers = torch.zeros(batch, self.lag)
        rows = torch.arange(batch)
        markers[rows, first] = 1.0
        markers[rows, second] = 1.0
        return torch.stack([numbers, markers], dim=2), (numbers * markers).sum(1)

    def loss(self, output: Tensor, y: Tensor) -> Tensor:
        """Judge the output after the last step: the mean square error."""
        return (output[:, -1, 0] - y).square().mean()


def main() -> None:
    """Run the example from the command line."""
    parser = textbook.parser(__doc__, DEFAULTS, LAG, "steps of a sequence")
    arguments = parser.parse_args()
    textbook.check(parser, arguments, least_lag=2)
    lag = min(arguments.lag, 20) if arguments.quick else arguments.lag
    textbook.main(AddingProblem(lag), arguments, f"Adding problem, {lag} steps")


if __name__ == "__main__":
    main()
