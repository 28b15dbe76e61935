"""Embedding and stack of a classifier as a language model, and its loss over a large vocabulary."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lockgate.nn import LockedDropout
from lockgate.tasks.labelling.network import ClassifierNetwork
from lockgate.tasks.labelling.pieces import valid_steps
from lockgate.training.fit import BatchLosses
from lockgate.training.losses import whole_loss

MANY_TOKENS = 5_000
"""Vocabulary above which the loss is over some tokens: of 2,000 and 20,000 the scores of all took
88 % and 99 % of a step of the default network."""
DRAWN = 1_000
"""Tokens that are drawn beside those of a batch; 8,000 came to the same perplexity, and slower."""


class LanguageModel(nn.Module):
    """The embedding and the stack of a classifier, and what predicts tokens from their output.

    What reads forward predicts the next token, what reads backward the one before. Scores of the
    tokens are products with their vectors in the embedding (Press and Wolf 2017, arXiv:1608.05859).

    Shape:
        - x, lengths: as in `NextTokens`.
        - output: `(predictions, tokens - 1)`; padding, token 0, is never predicted.
    """

    def __init__(self, classifier: ClassifierNetwork, generator: torch.Generator) -> None:
        super().__init__()
        assert classifier.embedding is not None
        self.embedding, self.stack = classifier.embedding, classifier.stack
        self.dropout: LockedDropout = classifier.output_dropout
        tokens, features = self.embedding.weight.shape
        width, directions = classifier.width, classifier.directions
        sizes = [width // directions] * directions
        projections = [nn.Linear(size, features) for size in sizes]
        for projection in projections:
            nn.init.xavier_uniform_(projection.weight, generator=generator)
            nn.init.zeros_(projection.bias)
        self.projections = nn.ModuleList(projections)
        self.bias = nn.Parameter(torch.zeros(tokens - 1))

    @torch.no_grad()
    def start_from(self, frequencies: Tensor) -> None:
        """Begin with the share of each token: what is left to learn is what stands beside it."""
        self.bias.copy_(frequencies.log())

    def forward(
        self,
        x: Tensor,
        lengths: Tensor,
        *,
        among: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Score every token, or those `among` which it is, at each place of a batch."""
        output, _ = self.stack(
            self.embedding(x, generator=generator),
            mask=valid_steps(x, lengths + 2),
            generator=generator,
        )
        output = self.dropout(output, generator=generator)
        valid = valid_steps(x[:, 2:], lengths)
        # at the first step nothing was read but padding, and the first token is predicted
        parts = output.chunk(len(self.projections), dim=-1)
        seen = parts[0][:, :-2], *(part[:, 2:] for part in parts[1:])
        predicted = torch.cat(
            [project(part[valid]) for project, part in zip(self.projections, seen, strict=True)]
        )
        vectors = self.embedding.weight[1:]
        if among is None:
            return nn.functional.linear(predicted, vectors, self.bias)
        return nn.functional.linear(predicted, vectors[among], self.bias[among])


class SampledLoss:
    """The loss of a batch over its own tokens and some more, instead of over the whole vocabulary.

    Tokens of the batch and those of other places, drawn at random, are draws by the same shares. A
    token's score is lessened by the log of its chance to be among them: then what is left to be
    told is which of them stands at a place, and no weights do that better than those that the loss
    over all tokens is least for (Jean and others 2015, arXiv:1412.2007).

    Args:
        targets: What is predicted in all texts, end to end.
        frequencies: The share of each token.
    """

    def __init__(self, targets: Tensor, frequencies: Tensor) -> None:
        self._targets, self._others = targets, torch.log1p(-frequencies)

    def __call__(
        self,
        network: Any,
        batch: Any,
        config: Any,  # noqa: ARG002
        masks: torch.Generator,
    ) -> Iterator[Tensor]:
        """Yield the mean loss of a batch, or of some rows of one: among the tokens of all of it."""
        places = torch.randint(len(self._targets), (DRAWN,), generator=masks)
        y = batch.y.cpu()
        among = torch.unique(torch.cat([batch.whole.cpu(), self._targets[places]]))
        draws = len(batch.whole) + DRAWN
        chance = -torch.expm1(draws * self._others[among])
        scores = network(*batch.inputs, among=among.to(batch.y.device), generator=masks)
        lessened = scores - chance.log().to(scores)
        correct = torch.searchsorted(among, y).to(batch.y.device)
        yield cross_entropy(lessened, correct, reduction="sum") / max(len(y), 1)


def losses_of(targets: Tensor, frequencies: Tensor) -> BatchLosses:
    """Return the loss that is affordable: over all tokens, or over some of many."""
    return SampledLoss(targets, frequencies) if len(frequencies) > MANY_TOKENS else whole_loss
