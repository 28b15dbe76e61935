"""Embedding of tokens, with dropout of whole words, and the output layer tied to it."""

from typing import Literal, Self

import torch
from torch import Tensor, nn

from lockgate.nn.checks import ShapeError, check_choice, check_flag, check_size, given_once
from lockgate.nn.masks import own_rows, rows_of_mask
from lockgate.nn.rates import check_rate
from lockgate.ops.sampling import sample_mask


class Embedding(nn.Module):
    """A vector for each token, of which training drops whole words.

    A dropped word is dropped wherever it occurs: in the whole batch (Merity et al. 2017,
    arXiv:1708.02182), or in one sequence (Gal and Ghahramani 2016, arXiv:1512.05287). In evaluation
    nothing is dropped. The parameter is that of `torch.nn.Embedding`, so either loads the other's
    `state_dict`.

    Args:
        num_embeddings: Tokens in the vocabulary.
        embedding_dim: Features of a vector.
        padding_idx: Token that is padding: its vector is zero and stays so, and `nn.Sequential`
            masks the steps where it stands. May count from the end.
        device: Where the parameter is.
        dtype: Its type.
        embedding_dropout: Rate of words, in [0, 1); vectors of the others are scaled by
            1 / (1 - rate).
        dropout_per: `"batch"`, or `"sample"`: each sequence loses words of its own.
        batch_first: Whether tokens are `(batch, time)`; of interest to `"sample"` alone.

    Shape:
        - tokens: integers of any shape; with `"sample"` `(time, batch)`, or `(batch, time)` if
          `batch_first`.
        - output: `(*tokens, embedding_dim)`.

    Raises:
        ValueError: If the rate is outside [0, 1), a size is below 1, or `padding_idx` is no token.

    Example:
        >>> import torch
        >>> embedding = Embedding(100, 8, padding_idx=0, embedding_dropout=0.1)
        >>> embedding(torch.tensor([[4, 17, 4], [9, 0, 0]])).shape
        torch.Size([2, 3, 8])
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        embedding_dropout: float = 0.0,
        dropout_per: Literal["batch", "sample"] = "batch",
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self.num_embeddings = check_size("num_embeddings", num_embeddings)
        self.embedding_dim = check_size("embedding_dim", embedding_dim)
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise ValueError(
                f"padding_idx must be a token, in [{-num_embeddings}, {num_embeddings}), "
                f"got {padding_idx}"
            )
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        self.embedding_dropout = check_rate("embedding_dropout", embedding_dropout)
        self.dropout_per = check_choice("dropout_per", dropout_per, ("batch", "sample"))
        self.batch_first = check_flag("batch_first", batch_first)
        empty = torch.empty(num_embeddings, embedding_dim, device=device, dtype=dtype)
        self.weight = nn.Parameter(empty)
        self.reset_parameters()

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        *,
        embedding_dropout: float = 0.0,
        dropout_per: Literal["batch", "sample"] = "batch",
        batch_first: bool = False,
    ) -> Self:
        """Make an embedding of vectors that are there already, as torch does: it copies nothing.

        Args:
            embeddings: `(num_embeddings, embedding_dim)`, a vector for each token.
            freeze: Whether they stay as they are in training.
            padding_idx: Token that is padding. Its vector is kept as given, and gets no gradient.
            embedding_dropout: As the class takes it, frozen or not.
            dropout_per: As the class takes it.
            batch_first: As the class takes it.

        Raises:
            ShapeError: If the embeddings have not two dimensions.
            TypeError: If they are no tensor of floating point numbers.

        Example:
            >>> import torch
            >>> vectors = torch.tensor([[0.0, 0.0], [1.0, 2.3], [4.0, 5.1]])
            >>> embedding = Embedding.from_pretrained(vectors, padding_idx=0)
            >>> embedding(torch.tensor([2, 0]))
            tensor([[4.0000, 5.1000],
                    [0.0000, 0.0000]])
        """
        if not isinstance(embeddings, Tensor) or not embeddings.is_floating_point():
            kind = embeddings.dtype if isinstance(embeddings, Tensor) else type(embeddings).__name__
            raise TypeError(f"embeddings must be a tensor of floating point numbers, got {kind}")
        if embeddings.ndim != 2:
            expected = "(num_embeddings, embedding_dim)"
            raise ShapeError(
                f"embeddings must have shape {expected}, got {tuple(embeddings.shape)}"
            )
        check_flag("freeze", freeze)
        words, features = embeddings.shape
        embedding = cls(
            words,
            features,
            padding_idx,
            device="meta",  # where nothing is drawn
            embedding_dropout=embedding_dropout,
            dropout_per=dropout_per,
            batch_first=batch_first,
        )
        embedding.weight = nn.Parameter(embeddings, requires_grad=not freeze)
        return embedding

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw the vectors from U(-0.1, 0.1); that of the padding becomes zero."""
        nn.init.uniform_(self.weight, -0.1, 0.1, generator=generator)
        if self.padding_idx is not None:
            with torch.no_grad():
                self.weight[self.padding_idx].zero_()

    def forward(
        self,
        tokens: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        input: Tensor | None = None,  # noqa: A002 - torch's name of the tokens
    ) -> Tensor:
        """Look up the vectors of tokens; in training `generator` draws the words that are lost.

        `input` is torch's name of `tokens`; one of the two is given.
        """
        tokens = given_once("tokens", tokens, input)
        vectors = nn.functional.embedding(tokens, self.weight, self.padding_idx)
        if not self.training or self.embedding_dropout == 0.0:
            return vectors
        if self.dropout_per == "batch":
            mask = self._draw(self.num_embeddings, generator=generator)
            return vectors * mask[tokens].unsqueeze(-1)
        if tokens.ndim != 2:
            raise ShapeError(
                f'tokens must have 2 dimensions with dropout_per="sample", got {tokens.ndim}'
            )
        rows = tokens if self.batch_first else tokens.t()  # (B, T)
        batch = rows.shape[0]
        mask = self._draw(rows_of_mask(self, batch), self.num_embeddings, generator=generator)
        kept = own_rows(self, mask, batch).expand(batch, -1).gather(1, rows)
        return vectors * (kept if self.batch_first else kept.t()).unsqueeze(-1)

    def _draw(self, *shape: int, generator: torch.Generator | None) -> Tensor:
        return sample_mask(shape, self.embedding_dropout, self.weight, generator)

    def extra_repr(self) -> str:
        """Show the sizes and what differs from the defaults."""
        defaults = {"embedding_dropout": 0.0, "dropout_per": "batch", "batch_first": False}
        given = {name: getattr(self, name) for name in ("padding_idx", *defaults)}
        parts = [f"{self.num_embeddings}, {self.embedding_dim}"]
        parts += [f"{k}={v!r}" for k, v in given.items() if v != defaults.get(k)]
        return ", ".join(parts)


class TiedLinear(nn.Module):
    """An output layer whose weights are those of an embedding (Press and Wolf 2017).

    arXiv:1608.05859. Only the bias is its own: the weights are stored and trained once, with the
    embedding, which must belong to the same model.

    Args:
        embedding: Where the weights are.
        bias: Whether there is a bias, which begins at zero.

    Shape:
        - x: `(*, embedding_dim)`.
        - output: `(*, num_embeddings)`, a score for each token.

    Example:
        >>> import torch
        >>> embedding = Embedding(100, 8)
        >>> TiedLinear(embedding)(torch.zeros(2, 3, 8)).shape
        torch.Size([2, 3, 100])
    """

    def __init__(self, embedding: Embedding | nn.Embedding, bias: bool = True) -> None:
        super().__init__()
        # in a tuple, so that it is not a child, whose weights would be stored twice
        self._shared = (embedding,)
        weight = embedding.weight
        self.bias: nn.Parameter | None
        self.register_parameter(
            "bias", nn.Parameter(weight.new_zeros(weight.shape[0]).detach()) if bias else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Score every token for each vector in x."""
        return nn.functional.linear(x, self._shared[0].weight, self.bias)

    def extra_repr(self) -> str:
        """Show the sizes."""
        tokens, features = self._shared[0].weight.shape
        return f"{features}, {tokens}, bias={self.bias is not None}"
