"""Classify, tag or score sequences of unequal length."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lockgate.nn import Embedding, LockedDropout
from lockgate.nn.recurrent import structure_of
from lockgate.nn.state import join, split
from lockgate.tasks.labelling.carried import Carried, end_together, run_last_steps
from lockgate.tasks.labelling.config import ClassifierConfig
from lockgate.tasks.labelling.pooling import Pooling
from lockgate.tasks.stack.network import build_stack, drops, last_of, width_of


class ClassifierNetwork(nn.Module):
    r"""A recurrent stack over a sequence of vectors or tokens, and a linear head.

    .. math::
        \hat y = W \, \mathrm{pool}(h_1 \dots h_T) + b

    For labels at steps the head reads every step's output instead. Tokens are embedded first; a
    long signal may pass a strided convolution, which makes it shorter. With a linear path the head
    begins at zero, and its scores are added to those of a linear model, which are an input.

    Args:
        channels: Channels of a step, or 0 where the input is tokens.
        tokens: Size of the vocabulary, or 0 where the input is vectors; token 0 is padding.
        outputs: Classes, or 1 for a number.
        at_steps: Whether there is a label at every step.
        config: The stack, its rates, the pooling.
        generator: Draws the initial weights. Default: torch's own.

    Shape:
        - x: `(batch, time, channels)`, scaled, or `(batch, time)` tokens.
        - lengths: `(batch,)`, valid steps of each.
        - linear: `(batch, outputs)`, scores of a linear model, where there is a linear path.
        - output: `(batch, outputs)`, or `(batch, time, outputs)` for labels at steps.

    Example:
        >>> model = ClassifierNetwork(0, 100, 2, ClassifierConfig(hidden_size=8))
        >>> model(torch.zeros(4, 7, dtype=torch.int64), torch.tensor([7, 1, 3, 5])).shape
        torch.Size([4, 2])
    """

    def __init__(
        self,
        channels: int,
        tokens: int,
        outputs: int,
        config: ClassifierConfig,
        *,
        at_steps: bool = False,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.at_steps = at_steps
        self.linear_path = config.linear_path == "on"
        self.embedding: Embedding | None = None
        self.stem: nn.Conv1d | None = None
        features = channels
        if tokens:
            features = config.embedding_size
            self.embedding = Embedding(
                tokens, features, padding_idx=0, embedding_dropout=config.embedding_dropout
            )
        elif config.stride > 1:
            if at_steps:
                raise ValueError(
                    f"stride must be 1 for labels at every step, got {config.stride}: the stem "
                    "makes sequences shorter"
                )
            features = config.layer_sizes[0]
            self.stem = nn.Conv1d(channels, features, 2 * config.stride + 1, config.stride)
        self.stride = config.stride if self.stem is not None else 1
        self.stack = build_stack(config, features)
        self.width, self.directions = width_of(config), 1 + config.layer_directions[-1]
        self.pooling = None if at_steps else Pooling(config.pooling, self.width, self.width)
        self.output_dropout = LockedDropout(config.output_dropout, batch_first=True)
        read = self.width if self.pooling is None else self.pooling.features
        self.head = nn.Linear(read, outputs)
        self.reset_parameters(generator)

    @property
    def drops(self) -> bool:
        """Whether anything is dropped in training, so that Monte-Carlo dropout has what to draw."""
        embedding = 0.0 if self.embedding is None else self.embedding.embedding_dropout
        return drops(self.stack) or any((embedding, self.output_dropout.rate))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every weight anew; the head's are Glorot uniform, or 0 beside a linear path."""
        if self.embedding is not None:
            self.embedding.reset_parameters(generator)
        if self.stem is not None:
            nn.init.xavier_uniform_(self.stem.weight, generator=generator)
            assert self.stem.bias is not None
            nn.init.zeros_(self.stem.bias)
        self.stack.reset_parameters(generator)
        if self.pooling is not None:
            self.pooling.reset_parameters(generator)
        if self.linear_path:
            nn.init.zeros_(self.head.weight)
        else:
            nn.init.xavier_uniform_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)

    @torch.no_grad()
    def start_from(self, vectors: Tensor, generator: torch.Generator | None = None) -> None:
        """Begin with known vectors of tokens.

        Args:
            vectors: `(tokens, embedding_size)`. A row of NaN is of a token without a vector, which
                is drawn around the mean of the others, as far from it as they are.
            generator: Draws those.
        """
        assert self.embedding is not None
        known = ~vectors.isnan().any(dim=1)
        drawn = torch.randn(vectors.shape, generator=generator)
        mean, spread = vectors[known].mean(dim=0), vectors[known].std(correction=0)
        weight = torch.where(known[:, None], vectors, mean + spread * drawn)
        weight[self.embedding.padding_idx] = 0.0
        self.embedding.weight.copy_(weight)

    def forward(
        self,
        x: Tensor,
        lengths: Tensor,
        linear: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        last_steps: int | None = None,
        carried: Carried | None = None,
    ) -> Tensor:
        """Score a padded batch.

        Args:
            x: The sequences.
            lengths: Their valid steps.
            linear: What a linear model scores them; a network without a linear path ignores it.
            generator: Draws the dropout masks in training.
            last_steps: Of one label for each sequence, how many steps before its end the gradient
                goes back into; for networks in one direction. Default: all.
            carried: Of labels at steps, what the chunk before this one left; it is brought up to
                date.
        """
        if self.embedding is not None:
            x = self.embedding(x, generator=generator)
        x, lengths = self._shortened(x, lengths)
        valid = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        if carried is not None:
            output = carried.run(x, valid, self.output_dropout, generator)
        elif last_steps is not None and last_steps < x.shape[1]:
            x, valid = end_together(x, lengths)
            output = run_last_steps(self.stack, x, valid, last_steps, generator)
            output = self._pooled(output, output[:, -1], valid, generator)
        else:
            output, state = self.stack(x, mask=valid, generator=generator)
            output = self._pooled(output, last_of(self.stack, state), valid, generator)
        scores: Tensor = self.head(output)
        if not self.linear_path:
            return scores
        if linear is None:
            raise ValueError("linear must be given to a network with a linear path, got None")
        return scores + linear

    def step(self, x: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Score one step of labels at steps, in one direction.

        Args:
            x: The step, `(batch, channels)`.
            states: Of each layer what its state holds, `(batch, hidden_size)` each: h, or h and c.

        Returns:
            Scores, `(batch, outputs)`, and the states after the step.
        """
        structure = structure_of(self.stack)
        parts, layout = len(structure.state._fields), structure.layout
        cells = [states[at : at + parts] for at in range(0, len(states), parts)]
        output, last = self.stack(x[:, None], join(cells, layout, batched=True))
        scores: Tensor = self.head(output)[:, 0]
        after = split(last, structure.state, layout, x[None], batched=True)
        return scores, [part for cell in after for part in cell]

    def _pooled(
        self, output: Tensor, last: Tensor, valid: Tensor, generator: torch.Generator | None
    ) -> Tensor:
        if self.pooling is not None:
            output = self.pooling(output, last, valid)
        dropped: Tensor = self.output_dropout(output, generator=generator)
        return dropped

    def _shortened(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        if self.stem is None:
            return x, lengths
        # as many steps before and after, zeros like the padding that may follow
        reach = self.stem.kernel_size[0] // 2
        x = nn.functional.pad(x.transpose(1, 2), (reach, reach))
        x = self.stem(x).relu().transpose(1, 2)
        return x, (lengths - 1) // self.stride + 1
