"""One fit of the language model: network, training, evaluation, and going on after a stop."""

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.language_model import checkpoint
from benchmarks.language_model.config import Config
from benchmarks.language_model.data import Corpus, Rows, chunk_lengths, chunks, rows
from lockgate.nn import (
    LSTM,
    Embedding,
    LockedDropout,
    Stateful,
    TiedLinear,
    activation_penalty,
    temporal_activation_penalty,
)
from lockgate.training.losses import IGNORED

Course = Callable[[Tensor], Tensor]  # a layer on its way through a text
NONMONOTONE = 5  # epochs that NT-ASGD waits for a new best, as in the paper


class Reading(NamedTuple):
    """What a network makes of a chunk."""

    scores: Tensor  # (time, batch, words)
    raw: Tensor  # output of the last layer, (time, batch, embedding)
    dropped: Tensor  # the same after dropout


class Network(nn.Module):
    """An AWD-LSTM (Merity et al. 2017, arXiv:1708.02182), as far as its rates are above 0."""

    def __init__(self, words: int, config: Config) -> None:
        super().__init__()
        self.embedding = Embedding(
            words, config.embedding, embedding_dropout=config.embedding_dropout
        )
        self.lstm = LSTM(
            config.embedding,
            config.sizes(),
            input_dropout=config.input_dropout,
            dropout=config.dropout if config.layers > 1 else 0.0,
            weight_dropout=config.weight_dropout,
        )
        # by itself, since one penalty is of the output before dropout
        self.output_dropout = LockedDropout(config.output_dropout)
        self.decoder = TiedLinear(self.embedding)

    def forward(self, tokens: Tensor, layer: Course) -> Reading:
        """Read the next chunk; `layer` is `self.lstm` in its course through the text."""
        raw = layer(self.embedding(tokens))
        dropped = self.output_dropout(raw)
        return Reading(self.decoder(dropped), raw, dropped)


COURSES: dict[str, Callable[[LSTM], Course]] = {
    "chunk": partial(Stateful, hold_masks=False),
    "epoch": Stateful,
}


def perplexity(network: Network, text: Rows, bptt: int) -> float:
    """Give the perplexity of a text over all its targets, without dropout."""
    network.eval()
    layer, loss, count = Stateful(network.lstm), 0.0, 0
    with torch.inference_mode():
        for inputs, targets in chunks(text, chunk_lengths(len(text.inputs), bptt)):
            scores = network(inputs, layer).scores.flatten(0, 1)
            flat = targets.flatten()
            loss += float(cross_entropy(scores, flat, ignore_index=IGNORED, reduction="sum"))
            count += int((flat != IGNORED).sum())
    return math.exp(min(loss / count, 700.0))


class Fit:
    """A fit in progress: `go_on` trains it to its end, and `save` keeps it between epochs."""

    def __init__(self, corpus: Corpus, config: Config, seed: int, device: str = "cpu") -> None:
        torch.manual_seed(seed)  # on the CPU first, so that a seed means the same weights anywhere
        self.config, self.seed, self.device = config, seed, device
        self.network = Network(len(corpus.words), config).to(device)
        self.optimiser = self._adam() if config.optimiser == "adam" else self._sgd()
        self.curve: list[dict[str, float]] = []
        self.best = {name: value.clone() for name, value in self.network.state_dict().items()}
        self._corpus = corpus

    # ---- optimisers ----

    def _adam(self) -> torch.optim.Optimizer:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return torch.optim.Adam(self.network.parameters(), rate, weight_decay=decay, fused=True)

    def _sgd(self) -> torch.optim.Optimizer:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return torch.optim.SGD(self.network.parameters(), rate, weight_decay=decay)

    def _asgd(self) -> torch.optim.Optimizer:
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return torch.optim.ASGD(
            self.network.parameters(), rate, lambd=0.0, t0=0.0, weight_decay=decay
        )

    @property
    def averages(self) -> bool:
        """Whether NT-ASGD has begun to average."""
        return isinstance(self.optimiser, torch.optim.ASGD)

    def _after_epoch(self, valid: float) -> None:
        """Let the optimiser answer to the validation perplexity of the epoch that ended."""
        before = [epoch["valid"] for epoch in self.curve]
        if self.config.optimiser == "adam":
            if before and valid >= min(before):
                for group in self.optimiser.param_groups:
                    group["lr"] *= self.config.decay
        elif not self.averages and valid > min(before[:-NONMONOTONE], default=math.inf):
            self.optimiser = self._asgd()

    # ---- training ----

    @property
    def finished(self) -> bool:
        """Whether the last epoch was the last."""
        if len(self.curve) >= self.config.max_epochs:
            return True
        return bool(self.curve) and len(self.curve) - self.best_epoch >= self.config.patience

    @property
    def best_epoch(self) -> int:
        """The epoch, counted from 1, of the lowest validation perplexity."""
        return 1 + min(range(len(self.curve)), key=lambda i: self.curve[i]["valid"])

    def go_on(self, after_epoch: Callable[["Fit"], None] = lambda _: None) -> None:
        """Train until there is no epoch left; `after_epoch` is told each time."""
        corpus, config = self._corpus, self.config
        train = self._rows(corpus.train, config.batch)
        sample = self._rows(corpus.train[: config.train_sample], config.eval_batch)
        valid = self._rows(corpus.valid, config.eval_batch)
        while not self.finished:
            began = time.perf_counter()
            rate = self.optimiser.param_groups[0]["lr"]
            loss = self._epoch(train)
            trained = time.perf_counter() - began
            with Averaged(self):
                scores = {
                    "train": perplexity(self.network, sample, config.bptt),
                    "valid": perplexity(self.network, valid, config.bptt),
                }
                if not math.isfinite(loss):
                    raise FloatingPointError(f"the loss of seed {self.seed} must be finite")
                if scores["valid"] < min((e["valid"] for e in self.curve), default=math.inf):
                    self.best = {n: v.clone() for n, v in self.network.state_dict().items()}
            self._after_epoch(scores["valid"])
            seconds = time.perf_counter() - began
            self.curve.append(
                {
                    "epoch": len(self.curve) + 1,
                    "loss": loss,
                    **scores,
                    "learning_rate": rate,
                    "averages": self.averages,
                    "train_seconds": trained,
                    "seconds": seconds,
                }
            )
            after_epoch(self)

    def _epoch(self, text: Rows) -> float:
        """Train on the whole text once; return the mean cross-entropy, with dropout."""
        config = self.config
        drawn = None
        if config.variable_bptt:  # of the epoch alone, so that nothing has to be kept of it
            drawn = torch.Generator().manual_seed(1_000_003 * self.seed + len(self.curve))
        self.network.train()
        layer = COURSES[config.hold](self.network.lstm)
        loss = torch.zeros((), device=self.device)
        lengths = chunk_lengths(len(text.inputs), config.bptt, drawn)
        for chunk in chunks(text, lengths):
            loss += self._step(chunk, layer) * len(chunk.inputs)
        return float(loss) / len(text.inputs)

    def _step(self, chunk: Rows, layer: Course) -> Tensor:
        config, valid = self.config, chunk.targets != IGNORED
        reading = self.network(chunk.inputs, layer)
        scores, targets = reading.scores.flatten(0, 1), chunk.targets.flatten()
        entropy = cross_entropy(scores, targets, ignore_index=IGNORED)
        loss = entropy
        if config.alpha:
            loss = loss + config.alpha * activation_penalty(reading.dropped, valid)
        if config.beta:
            loss = loss + config.beta * temporal_activation_penalty(reading.raw, valid)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), config.clip)
        # a chunk shorter than the mean takes a smaller step, as in the paper
        scale = len(chunk.inputs) / config.bptt if config.variable_bptt else 1.0
        rates = [group["lr"] for group in self.optimiser.param_groups]
        for group in self.optimiser.param_groups:
            group["lr"] *= scale
        self.optimiser.step()
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate
        return entropy.detach()

    def test(self) -> float:
        """Give the test perplexity of the best weights."""
        self.network.load_state_dict(self.best)
        text = self._rows(self._corpus.test, self.config.eval_batch)
        return perplexity(self.network, text, self.config.bptt)

    def _rows(self, tokens: Tensor, batch: int) -> Rows:
        return Rows(*(part.to(self.device) for part in rows(tokens, batch, self._corpus.end)))

    # ---- stopping and going on ----

    def save(self, path: Path) -> None:
        """Keep the fit in a file, between two epochs."""
        optimiser = self.optimiser.state_dict()
        random = {"cpu": torch.get_rng_state()}
        if self.device.startswith("cuda"):
            random["cuda"] = torch.cuda.get_rng_state(self.device)
        tensors = {"network": self.network.state_dict(), "best": self.best, "random": random}
        for number, state in optimiser["state"].items():
            tensors[f"optimiser.{number}"] = state
        told = {
            "config": self.config.to_dict(),
            "seed": self.seed,
            "averages": self.averages,
            "groups": optimiser["param_groups"],
            "curve": self.curve,
        }
        checkpoint.write(path, tensors, told)

    def load(self, path: Path) -> None:
        """Go back to where a fit of the same config and seed was saved."""
        tensors, told = checkpoint.read(path)
        for name, own in (("config", self.config.to_dict()), ("seed", self.seed)):
            if told[name] != own:
                raise ValueError(f"{name} must be that of {path}, {told[name]}, got {own}")
        if told["averages"]:
            self.optimiser = self._asgd()
        self.network.load_state_dict(tensors["network"])
        self.best = {name: value.to(self.device) for name, value in tensors["best"].items()}
        states = {
            int(name.removeprefix("optimiser.")): state
            for name, state in tensors.items()
            if name.startswith("optimiser.")
        }
        self.optimiser.load_state_dict({"state": states, "param_groups": told["groups"]})
        self.curve = told["curve"]
        torch.set_rng_state(tensors["random"]["cpu"])
        if self.device.startswith("cuda"):
            torch.cuda.set_rng_state(tensors["random"]["cuda"], self.device)


class Averaged:
    """The averages of NT-ASGD in place of the weights, inside a `with` block."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit
        self._kept: list[Tensor] = []

    def __enter__(self) -> None:
        if self._fit.averages:
            self._kept = [p.detach().clone() for p in self._fit.network.parameters()]
            with torch.no_grad():
                for parameter in self._fit.network.parameters():
                    parameter.copy_(self._fit.optimiser.state[parameter]["ax"])

    def __exit__(self, *_: object) -> None:
        with torch.no_grad():
            for parameter, own in zip(self._fit.network.parameters(), self._kept, strict=False):
                parameter.copy_(own)
