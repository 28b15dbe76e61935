"""How a dropout mask is drawn."""

from collections.abc import Sequence

import torch
from torch import Tensor, distributed

from lockgate.ops.kernels import extension
from lockgate.ops.tracing import is_traced

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_KEY_STEPS = 0x9E3779B9, 0xBB67AE85
_WORD = 2**32 - 1


def sample_mask(
    shape: Sequence[int], rate: float, like: Tensor, generator: torch.Generator | None = None
) -> Tensor:
    """Draw a mask whose expectation is 1: 0 with probability `rate`, and else 1 / (1 - rate).

    On the CPU the generator is asked for one number, the key of the counter-based generator Philox
    (Salmon et al. 2011, doi:10.1145/2063384.2063405), which costs a tenth of a draw for each
    element and gives the same mask for every dtype, and the processes of a distributed training
    draw different masks from default generators in the same state. On a GPU `torch.rand` draws:
    there the processes need seeds of their own.

    Args:
        shape: Shape of the mask.
        rate: Probability, in [0, 1), that an element is dropped; rounded to a multiple of 2^-32.
        like: A tensor of the dtype and on the device that the mask gets.
        generator: Source of randomness. Drawn is on its device, so that a generator of the CPU
            gives the same mask wherever `like` is. Default: torch's default of that device.

    Example:
        >>> _ = torch.manual_seed(1)
        >>> sample_mask((1, 1, 2, 3), rate=0.5, like=torch.zeros(1))
        tensor([[[[0., 2., 0.],
                  [2., 2., 0.]]]])
    """
    if generator is not None and (torch.compiler.is_compiling() or torch._C._is_tracing()):
        raise ValueError(
            "generator must be None in a compiled graph or a traced one, got one: draw the masks "
            "outside and pass them as masks=."
        )
    device = like.device if generator is None else generator.device
    if device.type != "cpu" or is_traced(like):
        uniform = torch.rand(tuple(shape), device=device, generator=generator)
        mask = (uniform >= rate).to(like.dtype).mul_(1.0 / (1.0 - rate))
    else:
        key = int(torch.empty((), dtype=torch.int64, device=device).random_(generator=generator))
        if generator is None and distributed.is_available() and distributed.is_initialized():
            # the processes of a training are often seeded alike, and each has samples of its own
            key = (key + distributed.get_rank() * _KEY_STEPS[0]) % 2**63
        mask = _sample(tuple(shape), rate, key, like.dtype)
    return mask if device == like.device else mask.to(like.device)


def _sample(shape: tuple[int, ...], rate: float, key: int, dtype: torch.dtype) -> Tensor:
    dropped = min(round(rate * 2**32), _WORD)
    scale = 1.0 / (1.0 - rate)
    mask = torch.empty(shape, device="cpu")
    if (module := extension()) is None:
        blocks = torch.arange(-(-mask.numel() // 4), device="cpu")
        zeros = torch.zeros_like(blocks)
        words = philox((blocks & _WORD, blocks >> 32, zeros, zeros), key)
        torch.ge(words.flatten()[: mask.numel()].view(shape), dropped, out=mask)
        return mask.to(dtype).mul_(scale)
    if dtype == torch.float32:
        module.sample_mask(mask.data_ptr(), mask.numel(), key, dropped, scale)
        return mask
    module.sample_mask(mask.data_ptr(), mask.numel(), key, dropped, 1.0)
    return mask.to(dtype).mul_(scale)


def philox(counter: Sequence[Tensor], key: int) -> Tensor:
    """Give the words (4, n) of Philox 4x32-10: four words (n,) of a counter, two of the key."""
    words = list(counter)
    keys = [key & _WORD, key >> 32]
    for _ in range(10):
        # int64 wraps around as the 64 unsigned bits of a product do
        a, b = words[0] * _MULTIPLIERS[0], words[2] * _MULTIPLIERS[1]
        words = [
            (b >> 32 & _WORD) ^ words[1] ^ keys[0],
            b & _WORD,
            (a >> 32 & _WORD) ^ words[3] ^ keys[1],
            a & _WORD,
        ]
        keys = [(k + step) & _WORD for k, step in zip(keys, _KEY_STEPS, strict=True)]
    return torch.stack(words)
