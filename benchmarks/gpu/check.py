"""Compile the kernels, and compare them with the reference before anything is timed."""

import itertools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import torch

from benchmarks.common.files import ROOT
from benchmarks.gpu.candidates import CELLS, draw, mask_of, ours
from benchmarks.gpu.sizes import BATCHES, HIDDEN, MASKS, Size
from lockgate.ops.dispatch import backend
from lockgate.ops.masks import Masks
from lockgate.ops.recurrence import Weights


def compile_all(cell: str, types: tuple[str, ...], processes: int) -> dict[str, float]:
    """Compile every kernel that will be timed, in processes of their own; give their errors."""
    jobs = [
        [sys.executable, "-m", "benchmarks.gpu", "--cell", cell, "--compile", f"{dtype},{H}"]
        for dtype, H in itertools.product(types, HIDDEN)
    ]

    def run(job: list[str]) -> dict[str, float]:
        told = subprocess.run(job, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
        if told.returncode:
            sys.exit("a kernel does not compile or run: see above")
        found: dict[str, float] = json.loads(told.stdout)
        return found

    wrong: dict[str, float] = {}
    with ThreadPoolExecutor(processes) as pool:
        for found in pool.map(run, reversed(jobs)):  # the largest take longest
            wrong |= found
    return wrong


def compile_one(cell: str, what: str) -> None:
    """Run each kernel of one hidden size once, over two steps; print the error of the kernels."""
    dtype, H = what.split(",")
    print(json.dumps({f"{dtype} H {H}": max(errors(cell, dtype, int(H)).values())}))
    for B, kind in itertools.product(BATCHES, MASKS):
        candidate = ours(cell, Size(dtype, B, 2, int(H)), kind)
        candidate.forward()
        candidate.train()
    torch.cuda.synchronize()


def errors(cell: str, dtype: str, H: int) -> dict[str, float]:
    """Compare with the reference in float64; the largest error relative to the largest value."""
    size = Size(dtype, 19, 17, H)
    module = CELLS[cell]
    found = {}
    for kind in MASKS:
        x, state, weights = draw(cell, size, seed=H)
        masks = mask_of(cell, size, kind)
        valid = torch.rand(size.T, size.B, device=x.device) < 0.8
        exact = [v.detach().double().requires_grad_() for v in (x, *state, *weights[:4])]
        e_x, e_state, e_weights = exact[0], exact[1 : 1 + len(state)], exact[1 + len(state) :]
        e_masks = Masks(h=None if masks.h is None else masks.h.double())
        with backend("triton"):
            got = getattr(module, cell)(x, state, weights, masks, valid)
        options = module.Options()
        expected = module.reference.run(
            *(e_x, module.State(*e_state), Weights(*e_weights), e_masks, valid, options)
        )
        d = torch.randn_like(x)
        ours_found = [got[0], *torch.autograd.grad(got[0], [x, *state, *weights[:4]], d)]
        theirs = [expected[0], *torch.autograd.grad(expected[0], exact, d.double())]
        found[kind] = max(
            ((a.double() - b).abs().max() / b.abs().max()).item()
            for a, b in zip(ours_found, theirs, strict=True)
        )
    return found
