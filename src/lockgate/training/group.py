"""The processes that train one model together: each computes on some rows of every batch.

All draw the same batches, and dropout masks for the whole of each, so that together they take the
steps that one process would take, to rounding.
"""

import contextlib
import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, distributed, nn

from lockgate.nn.masks import Rows, drawn_for_whole_batch
from lockgate.training.config import MetricName
from lockgate.training.losses import Batch, counted, divisor

Told = TypeVar("Told")
WAIT = timedelta(days=7)
"""How long a process waits for the others, of which one may read or fit baselines meanwhile."""


class LostError(ChildProcessError):
    """Another process of the group is gone."""


class Share(NamedTuple):
    """What a process computes of a batch."""

    batch: Batch
    weight: Tensor | None
    """Times its mean loss, so that the sum over all processes is the mean loss of the batch."""
    rows: Rows | None

    def masks(self, network: nn.Module) -> AbstractContextManager[None]:
        """Let the masks that a network draws be those that the whole batch has."""
        rows = self.rows
        return contextlib.nullcontext() if rows is None else drawn_for_whole_batch(network, rows)


class Group(NamedTuple):
    """Some processes, seen from one of them; in a group of one nothing is sent or changed.

    Example:
        >>> [Group(rank, 3, rank).rows(7) for rank in range(3)]
        [slice(0, 2, None), slice(2, 4, None), slice(4, 7, None)]
    """

    rank: int
    size: int
    local: int
    """Which process of its machine this is, and so which GPU is its own."""

    def rows(self, of: int) -> slice:
        """Return which of so many rows this process computes on; of few rows some have none."""
        return slice(of * self.rank // self.size, of * (self.rank + 1) // self.size)

    def own(self, batch: Batch) -> Batch:
        """Return the rows of this process."""
        return batch if self.size == 1 else batch.rows(self.rows(len(batch.inputs[0])))

    def share(self, batch: Batch, metric: MetricName) -> Share:
        """Return what this process computes of a batch in a step of training.

        Processes are weighted by what is observed in their rows, so that a short batch, rows with
        holes and weights of classes are right.
        """
        if self.size == 1:
            return Share(batch, None, None)
        own, of = self.own(batch), len(batch.inputs[0])
        counts = [divisor(counted(one.y, metric, one.weight)) for one in (own, batch)]
        which = self.rows(of)
        return Share(own, counts[0] / counts[1], Rows(which.start, which.stop, of))

    def summed(self, values: Iterable[float]) -> list[float]:
        """Return the sums over all processes."""
        values = list(values)
        if self.size == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64)
        with _lost_if_it_fails():
            distributed.all_reduce(total)
        return total.tolist()

    def sum_gradients(self, model: nn.Module) -> None:
        """Give the weights the sum of the gradients of all processes, in one exchange."""
        if self.size == 1:
            return
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        flat = torch.cat([one.flatten() for one in gradients])
        with _lost_if_it_fails():
            distributed.all_reduce(flat)
        parts = torch.split(flat, [one.numel() for one in gradients])
        for own, total in zip(gradients, parts, strict=True):
            own.copy_(total.view_as(own))

    def told(self, value: Told) -> Told:
        """Return what the first process has; the others' value is not looked at."""
        if self.size == 1:
            return value
        with _lost_if_it_fails():
            content = pickle.dumps(value) if self.rank == 0 else b""
            length = torch.tensor([len(content)])
            distributed.broadcast(length, 0)
            sent = torch.empty(int(length), dtype=torch.uint8)
            if self.rank == 0:
                sent.copy_(torch.frombuffer(bytearray(content), dtype=torch.uint8))
            distributed.broadcast(sent, 0)
        told: Told = pickle.loads(sent.numpy().data)  # noqa: S301 - of a process of our own
        return told

    def call(self, function: Callable[..., object], *arguments: Any) -> None:
        """Have the others call a module-level function; on them it does nothing."""
        if self.size > 1 and self.rank == 0:
            self.told((function, arguments))

    def help(self) -> None:
        """Call what the first process has the others call, until it lets them go."""
        while (called := self.told(None)) is not None:
            function, arguments = called
            function(*arguments)


ALONE = Group(0, 1, 0)
"""A process by itself."""
_here = ALONE


def here() -> Group:
    """Return the group that this process belongs to: by itself, unless inside `joined`."""
    return _here


@contextlib.contextmanager
def joined(rank: int, size: int, local: int, store: Any = None) -> Iterator[Group]:
    """Let `fit` inside the block compute on all processes of a group.

    Args:
        rank: Of this process, from 0.
        size: Number of processes.
        local: As `Group` has it.
        store: Store of torch in which they find each other. Default: that of torchrun, which the
            environment tells.

    Raises:
        LostError: If they do not.
    """
    global _here
    backend = "gloo"
    if torch.cuda.is_available() and distributed.is_nccl_available():
        torch.cuda.set_device(local % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    with _lost_if_it_fails():
        distributed.init_process_group(
            backend, rank=rank, world_size=size, store=store, timeout=WAIT
        )
    _here = Group(rank, size, local)
    try:
        yield _here
    finally:
        _here = ALONE
        distributed.destroy_process_group()


@contextlib.contextmanager
def _lost_if_it_fails() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostError(
            "another process of the training is gone: continue with resume=True (--resume)"
        ) from error
