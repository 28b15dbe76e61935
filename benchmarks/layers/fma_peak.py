"""The most multiplications and additions a second that the processor does, as a candidate."""

import ctypes
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from benchmarks.layers.rounds import SAMPLE_SECONDS, Candidate, Sample, is_clean, taken, timed

SIZE = 1024  # of the matrices
ACCUMULATORS = 12
FLAGS = {"avx2": ["-mno-avx512f"]}

# twelve chains in registers hide the latency of two units, and fit the 16 registers of AVX2
SOURCE = """
#include <time.h>
#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
typedef float vector __attribute__((vector_size(4 * LANES)));

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

int lanes(void) { return LANES; }

/* apart from the clock: a call near the loop would push the chains out of their registers */
static __attribute__((noinline)) float run(long steps, float factor, float term) {
  vector m = factor - (vector){0}, t = term - (vector){0};
  vector a = t, b = t + 1, c = t + 2, d = t + 3, e = t + 4, f = t + 5;
  vector g = t + 6, h = t + 7, i = t + 8, j = t + 9, k = t + 10, l = t + 11;
  for (long step = 0; step < steps; ++step) {
    a = a * m + t; b = b * m + t; c = c * m + t; d = d * m + t;
    e = e * m + t; f = f * m + t; g = g * m + t; h = h * m + t;
    i = i * m + t; j = j * m + t; k = k * m + t; l = l * m + t;
  }
  a += b + c + d + e + f + g + h + i + j + k + l;
  return a[0];
}

/* Starts at `begin` and returns when it ended; `sink` keeps the result from being dropped. */
double chains(long steps, double begin, float factor, float term, float *sink) {
  while (now() < begin) {}
  *sink = run(steps, factor, term);
  return now();
}
"""


def peaks(threads: int, instruction_set: str | None) -> list[Candidate]:
    """Return the candidates whose seconds are those of one Gflop at the peak.

    The product of two large matrices is one; where there is a C compiler, a loop that stays in
    registers is another, and faster.
    """
    found = [Candidate("mm", _product())]
    if library := _compiled(instruction_set):
        found.append(Candidate("fma", _chains(library, threads), pool="fma"))
    return found


def _product() -> Callable[[], Sample]:
    a, b, out = (torch.rand(SIZE, SIZE) for _ in range(3))
    take, gflop = timed(lambda: torch.mm(a, b, out=out)), 2e-9 * SIZE**3

    def per_gflop() -> Sample:
        sample = take()
        return sample._replace(seconds=sample.seconds / gflop)

    return per_gflop


def _compiled(instruction_set: str | None) -> ctypes.CDLL | None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder, "peak.c"), Path(folder, "peak.so")
        source.write_text(SOURCE, encoding="ascii")
        flags = ["-O3", "-march=native", *FLAGS.get(instruction_set or "", []), "-shared", "-fPIC"]
        made = subprocess.run(  # noqa: S603 - our own source
            [compiler, *flags, "-o", library, source], capture_output=True, check=False
        )
        if made.returncode != 0:
            return None
        loaded = ctypes.CDLL(str(library))
    loaded.chains.restype = ctypes.c_double
    loaded.chains.argtypes = [ctypes.c_long, ctypes.c_double, *[ctypes.c_float] * 2]
    loaded.chains.argtypes += [ctypes.POINTER(ctypes.c_float)]
    return loaded


def _chains(library: ctypes.CDLL, threads: int) -> Callable[[], Sample]:
    pool = ThreadPoolExecutor(threads)
    gflop_of_step = 2e-9 * library.lanes() * ACCUMULATORS * threads

    def wall_of(steps: int) -> float:
        begin = time.clock_gettime(time.CLOCK_MONOTONIC) + 0.001

        def one(_: int) -> float:
            end: float = library.chains(steps, begin, 0.999, 0.5, ctypes.c_float())
            return end

        return max(pool.map(one, range(threads))) - begin

    wall_of(1000)
    steps = math.ceil(100_000 * SAMPLE_SECONDS / wall_of(100_000))

    def per_gflop() -> Sample:
        before = taken()
        wall = wall_of(steps)
        after = taken()
        clean = is_clean(wall, after.steal - before.steal, after.delay - before.delay)
        return Sample(wall / (steps * gflop_of_step), clean)

    return per_gflop
