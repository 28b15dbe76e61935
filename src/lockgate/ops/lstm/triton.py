"""The LSTM's pointwise part on a GPU; `../_triton/walk.py` walks the sequence with it."""

import triton
import triton.language as tl

from lockgate.ops._triton.walk import tanh


@triton.jit
def step(x, h, state):
    """Give the new state and the gates i, f, g, o."""
    i = tl.sigmoid(x[0] + h[0])
    f = tl.sigmoid(x[1] + h[1])
    g = tanh(x[2] + h[2])
    o = tl.sigmoid(x[3] + h[3])
    c = f * state[1] + i * g
    return (o * tanh(c), c), (i, f, g, o)


@triton.jit
def step_backward(gates, after, before, d):
    """Give the gradients of the state before, but for the products with h, and of the sums."""
    i, f, g, o = gates
    d_h, d_c = d
    seen = tanh(after[1])
    d_c += d_h * o * (1.0 - seen * seen)
    d_i = d_c * g * i * (1.0 - i)
    d_f = d_c * before[1] * f * (1.0 - f)
    d_g = d_c * i * (1.0 - g * g)
    d_o = d_h * seen * o * (1.0 - o)
    return (tl.zeros_like(d_h), d_c * f), (d_i, d_f, d_g, d_o)


STEPS = {"tanh": (step, step_backward)}
